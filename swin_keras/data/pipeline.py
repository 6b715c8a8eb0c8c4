"""Batches by index: what a step holds depends on its number and nothing else."""

import re
from collections.abc import Sequence
from contextlib import contextmanager

from swin_keras.data.augmentation import Augmentation
from swin_keras.data.batch_loader import BatchLoader
from swin_keras.data.dataset import Split
from swin_keras.data.image_io import image_mode
from swin_keras.data.mixing import Mixing
from swin_keras.data.workers import Workers
from swin_keras.errors import DataError


def batches(
    split: Split,
    batch_size: int,
    image_size,
    channels: int,
    *,
    training: bool = False,
    seed: int = 0,
    epochs: int = 1,
    start_step: int = 0,
    augmentation: Augmentation | None = None,
    crop_fraction: float = 1.0,
    mixing: Mixing | None = None,
    classes: int | None = None,
    micro_batches: int = 1,
    shards: Sequence[int] = (0,),
    shard_count: int = 1,
    workers: Workers | None = None,
):
    """Return a `tf.data.Dataset` of uint8 images and int32 labels.

    `(B, H, W, C)`, 0..255, and `(B,)`; with `mixing`, labels are float32
    `(B, classes)`.

    Training shuffles each epoch anew and drops the last short batch; evaluation
    keeps order and all images, in batches of nearly equal size. A batch is a pure
    function of `seed` and its step, so a run goes on at `start_step` as if it had
    never stopped, and shards together hold what one pipeline would.

    Args:
        split: Where the images come from.
        batch_size: Images of a step, over all shards.
        image_size: `(height, width)` in pixels.
        channels: 3 for RGB, 1 for grey.
        training: Whether to shuffle, augment, mix and drop the short batch.
        seed: Chooses the orders, the augmentation and the mixing.
        epochs: Passes over the split.
        start_step: First step, counted from the first epoch.
        augmentation: Random changes to each image in training.
        crop_fraction: Centre crop of images that are not augmented.
        mixing: Mixes pairs of images in training.
        classes: Number of classes, for the labels of mixed images.
        micro_batches: Equal parts of a training batch, each of which is cut into
            shards: a shard holds its rows of part 0, then those of part 1, so that
            a part over all shards holds the same images for any number of them.
        shards: What to load of every batch: one element of the dataset each, in
            this order, for the replicas of one machine.
        shard_count: Parts of every batch, over all machines.
        workers: Processes that load the images; `None` loads in threads of this
            one, of which Python runs one at a time. The batches are the same.

    Raises:
        UsageError: If `batch_size` is larger than the training images, or does not
            divide into micro batches, shards and pairs; or if there are fewer
            images than shards.
        tf.errors.OpError: While iterating, if an image cannot be read; see
            `data_errors`.
    """
    import tensorflow as tf

    image_mode(channels)
    loader = BatchLoader(
        split=split,
        batch_size=batch_size,
        image_size=tuple(image_size),
        channels=channels,
        training=training,
        seed=seed,
        augmentation=augmentation if training else None,
        crop_fraction=crop_fraction,
        mixing=mixing,
        classes=classes,
        micro_batches=micro_batches,
        shards=tuple(shards),
        shard_count=shard_count,
    ).resized()
    rows = batch_size // shard_count if training else None
    label_dtype, label_shape = tf.int32, (rows,)
    if loader.is_mixed:
        label_dtype, label_shape = tf.float32, (rows, classes)

    # Images that are ready are copied faster than they are asked for.
    uses_processes = workers is not None and not loader.is_ready()
    load_shard = workers.share(loader) if uses_processes else loader

    def load_element(number):
        step, place = divmod(int(number), len(loader.shards))
        return load_shard(step, loader.shards[place])

    def load(number):
        # Not stateful: `enable_op_determinism` would load one step after another.
        images, labels = tf.numpy_function(
            load_element, [number], (tf.uint8, label_dtype), stateful=False
        )
        images.set_shape((rows, *loader.image_shape))
        labels.set_shape(label_shape)
        return images, labels

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
    """Turn what TensorFlow makes of a `DataError` in `batches` back into one.

    ```python
    with data_errors():
        model.fit(batches(...))
    ```
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"ImageError: (.*)", error.message)
        if found is None:
            raise
        raise DataError(
            f"{found[1]}. Look for all such files with swin-keras data check, or leave "
            "them out: --on-bad skip."
        ) from error
