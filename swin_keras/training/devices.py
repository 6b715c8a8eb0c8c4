"""What a run may do on the devices that it has."""

import logging
from collections import Counter

import tensorflow as tf

from swin_keras.cores import usable_cores
from swin_keras.data import Workers
from swin_keras.errors import UsageError
from swin_keras.layers import SyncBatchNormalization
from swin_keras.screen import counted
from swin_keras.training.batch_size import images_mixed
from swin_keras.training.strategy import trainers_here

log = logging.getLogger(__name__)


def compiles(config, model, replicas):
    """Return whether XLA compiles the training step; see docs/performance.md."""
    synchronizes = any(isinstance(x, SyncBatchNormalization) for x in model.layers)
    if replicas.count > 1 and synchronizes:
        # Its sums over the replicas cannot be part of what XLA compiles for one.
        if config.jit_compile:
            log.warning("on several devices, this head is trained without XLA")
        return False
    if config.jit_compile is not None:
        return config.jit_compile
    if on_cpu():
        # There, XLA multiplies bfloat16 as float32; TensorFlow's kernels do not.
        return config.precision != "mixed_bfloat16"
    return not config.deterministic  # which not all of XLA's operations can be


def compiles_steps(config, training_model):
    """Return whether XLA compiles the optimizer's step, too.

    On a GPU, which else starts a dozen kernels for each variable. On a CPU a step is
    no faster with it, and begins seconds later.
    """
    return training_model.compiles and bool(config.jit_compile or not on_cpu())


def keeps_steps(config, training_model):
    """Return whether what XLA compiles for the step is kept for the next run."""
    wanted = not on_cpu() if config.compile_cache is None else config.compile_cache
    return training_model.compiles and wanted


def loading_workers(config):
    """Return the processes that load images; see `TrainConfig.workers`."""
    count = config.workers
    if count == "auto":
        count = 0 if on_cpu() else max(1, usable_cores() // trainers_here())
    return Workers(count) if count else None


def on_cpu() -> bool:
    """Return whether there is nothing but processor cores to train on."""
    kinds = {device.device_type for device in tf.config.list_physical_devices()}
    return not kinds & {"GPU", "TPU"}


def device_names(replicas) -> str:
    """Return what a run trains on here, such as "GPU: 2 x NVIDIA H200"."""
    gpus = tf.config.get_visible_devices("GPU")
    if tf.config.list_physical_devices("TPU"):
        return "TPU"
    if not gpus:
        return f"CPU, {counted(usable_cores(), 'core')} (no GPU was found)"
    used = gpus if replicas.strategy else gpus[:1]
    details = map(tf.config.experimental.get_device_details, used)
    names = Counter(found.get("device_name", "of no name") for found in details)
    several = (f"{n} x {name}" if n > 1 else name for name, n in names.items())
    return f"GPU: {', '.join(several)}"


def check_devices(config, replicas, dataset):
    """Refuse what several devices cannot do, and what they cannot share."""
    if replicas.count > 1 and config.precision == "mixed_float16":
        raise UsageError(
            "mixed_float16 is not safe on several devices: an overflow on one of them "
            "would spoil the weights of all. Use --precision mixed_bfloat16."
        )
    pair = images_mixed(config)
    parts = replicas.count * config.gradient_accumulation_steps * pair
    factors = [f"{replicas.count} devices"] * (replicas.count > 1)
    if config.gradient_accumulation_steps > 1:
        factors.append(f"{config.gradient_accumulation_steps} accumulation steps")
    factors += ["pairs of mixed images"] * (pair > 1)
    if config.batch_size % parts:
        nearest = max(parts, config.batch_size // parts * parts)
        raise UsageError(
            f"`batch_size` must be a multiple of {parts} ({', '.join(factors)}). "
            f"Received: {config.batch_size}. Nearest: {nearest}."
        )
    if len(dataset.training) < parts:
        raise UsageError(
            f"A step takes at least {parts} training images ({', '.join(factors)}). "
            f"Received: {len(dataset.training)}. Add images, or ask for less."
        )
    validated = len(dataset.splits["val"])
    if validated < replicas.count:
        raise UsageError(
            f"Each of {replicas.count} devices must have a validation image. Received: "
            f"{validated}. Add images to val, hold out more (--val-fraction), or train "
            "on one device: --strategy none."
        )
