"""Batches by index: what a step holds depends on its number and nothing else."""

import re
from contextlib import contextmanager

import numpy as np

from swin_keras import errors
from swin_keras.data.batch_loader import BatchLoader
from swin_keras.data.exit_gate import GATE
from swin_keras.data.image_file import ImageError
from swin_keras.data.workers import Workers
from swin_keras.errors import DataError

# As TensorFlow quotes what was raised while a batch was made.
OURS = re.compile(
    r": (ImageError|DataError|ResourceError|UsageError|ModelFileError): (.*?)"
    r"\nTraceback \(most recent call last\)",
    re.DOTALL,
)
ADVICE = (
    ". Look for all such files with swin-keras data check, or leave them out: "
    "--on-bad skip."
)


def batches(
    loader: BatchLoader,
    *,
    epochs: int = 1,
    start_step: int = 0,
    workers: Workers | None = None,
):
    """Return a `tf.data.Dataset` of a loader's images and targets.

    Args:
        loader: Makes a shard of a step; says what is in it.
        epochs: Passes over the split.
        start_step: First step, counted from the first epoch.
        workers: Processes that load the images; `None` loads in threads of this
            one, of which Python runs one at a time. The batches are the same.

    Raises:
        tf.errors.OpError: While iterating, if an image cannot be read; see
            `data_errors`.
    """
    import tensorflow as tf

    loader = loader.resized()
    # Images that are ready are copied faster than they are asked for.
    uses_processes = workers is not None and not loader.is_ready()
    load_shard = workers.share(loader) if uses_processes else loader
    shards = loader.shards

    def load_element(number):
        step, place = divmod(int(number), len(shards))
        return load_shard(step, shards[place])

    rows = loader.rows or 0  # `None` where the last batch may be short
    blank = (
        np.zeros((rows, *loader.image_shape), np.uint8),
        np.zeros((rows, *loader.target_shape), loader.target_dtype),
    )
    load_guarded = GATE.guard(load_element, blank)

    def load(number):
        # Not stateful: `enable_op_determinism` would load one step after another.
        images, targets = tf.numpy_function(
            load_guarded, [number], (tf.uint8, loader.target_dtype), stateful=False
        )
        images.set_shape((loader.rows, *loader.image_shape))
        targets.set_shape((loader.rows, *loader.target_shape))
        return images, targets

    options = tf.data.Options()
    options.deterministic = True
    parallel = tf.data.AUTOTUNE
    if uses_processes:  # threads that wait for them are not taken from the model
        parallel = workers.processes + 1
        options.threading.private_threadpool_size = parallel
    return (
        tf.data.Dataset.range(
            start_step * len(shards), epochs * loader.steps * len(shards)
        )
        .map(load, num_parallel_calls=parallel, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )


@contextmanager
def data_errors():
    """Turn what TensorFlow makes of our errors in `batches` back into them.

    ```python
    with data_errors():
        model.fit(batches(...))
    ```
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        found = OURS.search(error.message)
        if found is None:
            raise
        kind, text = found.groups()
        if kind == "ImageError":
            raise DataError(text + ADVICE) from error
        raise getattr(errors, kind)(text) from error


@contextmanager
def image_advice():
    """Say of an image that cannot be read what to do about it, as `data_errors`."""
    try:
        yield
    except ImageError as error:
        raise DataError(f"{error}{ADVICE}") from error
