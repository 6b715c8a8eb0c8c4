"""Ours on TensorFlow, as the package trains: XLA, graph, or two logical devices.

The training step is `TrainingModel`'s own, with SwinAdamW, on images that are on
the device already. `gpu_contenders.py` runs what this file makes.
"""

import atexit
import contextlib
import os

MEGABYTES = 40_000  # of a GPU's memory for all logical devices: others are there, too
CACHE = contextlib.ExitStack()  # notes what XLA compiled when the process ends
atexit.register(CACHE.close)


def import_tensorflow(nvidia: bool, devices: int = 1):
    """Import TensorFlow with a number of logical devices on the first real one.

    What XLA compiles for a GPU is kept: another call begins sooner.

    Raises:
        ImportError: If it is not installed, or sees no GPU of a machine with one.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from swin_keras.training.compile_cache import CompileCache, default_folder
    from swin_keras.training.xla_flags import leave_out_triton

    leave_out_triton()
    CACHE.enter_context(CompileCache(folder=default_folder() / "benchmark"))
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if nvidia and not gpus:
        raise ImportError("TensorFlow sees no GPU")
    if devices > 1:
        tf.config.set_logical_device_configuration(
            (gpus or tf.config.list_physical_devices("CPU"))[0],
            [tf.config.LogicalDeviceConfiguration(*limits(gpus, devices))] * devices,
        )
    elif gpus:
        tf.config.experimental.set_memory_growth(gpus[0], True)
    return tf


def limits(gpus, devices) -> list[int]:
    """Return the memory of a logical device of a GPU, in MB; a CPU has no limit."""
    megabytes = int(os.environ.get("GPU_MEGABYTES", MEGABYTES))
    return [megabytes // devices] if gpus else []


def most_memory(tf) -> int:
    """Return the most bytes that this process held on a GPU's logical devices."""
    names = [device.name for device in tf.config.list_logical_devices("GPU")]
    return sum(tf.config.experimental.get_memory_info(n)["peak"] for n in names)


def inference_step(tf, model, images, compiled: bool):
    """Return a step without arguments that returns the outputs."""
    call = tf.function(lambda x: model(x, training=False), jit_compile=compiled)
    images = tf.constant(images)
    return lambda: call(images)


def training_step(tf, make_model, batch, compiled: bool, devices: int):
    """Return a step without arguments that returns the loss, and the model.

    Args:
        tf: TensorFlow.
        make_model: Makes the model, within the strategy's scope.
        batch: Images and targets of each device.
        compiled: Whether XLA compiles the forward and the backward pass, and the step.
        devices: Logical devices, each of which has a batch of its own.
    """
    import keras

    from swin_keras.training.optimizer import SwinAdamW
    from swin_keras.training.training_model import TrainingModel

    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)][:devices]
    strategy = tf.distribute.get_strategy()
    if devices > 1:
        strategy = tf.distribute.MirroredStrategy(names)
    with strategy.scope():
        model = make_model()
        training = TrainingModel(model.inputs, model.outputs[0])
        training.compiles = compiled
        training.compile(
            optimizer=SwinAdamW(1e-4),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            jit_compile=False,
        )
        training.optimizer.compiles = compiled
        training.optimizer.build(training.trainable_variables)
        training.build_metrics(*[values[:1] for values in batch])
    batch = tuple(map(tf.constant, batch))
    held = strategy.experimental_distribute_values_from_function(lambda _: batch)

    @tf.function
    def step():
        logs = strategy.run(training.train_step, args=(held,))
        return strategy.experimental_local_results(logs["loss"])[0]

    return step, model
