"""What a training step needs of memory, said before anything is built."""

import math
import shlex
import subprocess
from pathlib import Path

import tensorflow as tf

from swin_keras.errors import UsageError
from swin_keras.models import SwinConfig
from swin_keras.options import option_words
from swin_keras.training.config import TrainConfig

# What a block keeps for the backward pass, in values a token: 9 C outside its MLP,
# and a hidden layer before and after its activation; logits and their softmax.
OUTSIDE_MLP, HIDDEN, LOGITS = 9, 2, 2
# Measured peaks are 1.5 to 3 times that: gradients and temporary values.
PEAK = 2.5
SHARE = 0.5  # of the memory, that a step fills when nobody has named its size


def image_bytes(config: TrainConfig, model_config: SwinConfig) -> int:
    """Return what an image keeps for the backward pass, at least.

    Blocks that are computed again keep their input alone; frozen ones nothing.
    """
    height, width, _ = model_config.input_shape
    height, width = (-(-side // model_config.patch_size) for side in (height, width))
    frozen = config.freeze_stages
    frozen = len(model_config.depths) if frozen == "all" else frozen
    kept, largest = 0, 0
    for stage, depth in enumerate(model_config.depths):
        tokens = height * width
        channels = model_config.embed_dim * 2**stage
        block = tokens * _values_of_token(model_config, stage, channels, tokens)
        largest = max(largest, block)
        if stage >= frozen:
            kept += depth * (tokens * channels if model_config.remat else block)
        height, width = -(-height // 2), -(-width // 2)
    values = kept + largest if model_config.remat else max(kept, largest)
    return int(values * (4 if config.precision == "float32" else 2))


def _values_of_token(model_config, stage, channels, tokens):
    window = model_config.window_size
    side = (window, window) if isinstance(window, int) else window
    in_window = min(math.prod(side), tokens)
    mlp = HIDDEN * model_config.mlp_ratio
    logits = LOGITS * in_window * model_config.num_heads[stage]
    return (OUTSIDE_MLP + mlp) * channels + logits


def images_that_fit(
    config: TrainConfig, model_config: SwinConfig, targets: int = 0
) -> int | None:
    """Return how many images at a time leave room on a device, `None` if unknown.

    Args:
        config: The run's.
        model_config: Its model's.
        targets: Bytes that an image's targets take in the loss.
    """
    memory = device_memory()
    if memory is None:
        return None
    needed = PEAK * image_bytes(config, model_config) + targets
    return int(SHARE * memory / needed)


def check_memory(
    config: TrainConfig,
    model_config: SwinConfig,
    images: int,
    targets: int = 0,
    resumed=None,
):
    """Refuse a step that cannot fit, whatever else this machine does.

    Args:
        config: The run's.
        model_config: Its model's.
        images: Images that a device computes at a time.
        targets: Bytes that an image's targets take in the loss.
        resumed: Path of the run, if it resumes: then few options may change.

    Raises:
        UsageError: That says what fits.
    """
    memory, of_image = device_memory(), image_bytes(config, model_config)
    needed = images * (of_image + targets)
    if memory is None or needed <= memory:
        return
    if resumed is not None:
        raise UsageError(
            f"A step of {images} images needs at least {needed / 2**30:,.0f} GiB of "
            f"memory, and there are {memory / 2**30:,.0f}. "
            f"{advice_for_resumed(config, resumed)}"
        )
    if targets > of_image:
        raise UsageError(
            f"A step of {images} images needs at least {needed / 2**30:,.0f} GiB of "
            f"memory, and there are {memory / 2**30:,.0f}: each image has room for as "
            "many boxes as the picture with the most has, and for four times that with "
            "--mosaic. Cut such pictures into tiles, or choose a smaller --batch-size."
        )
    height, width, _ = model_config.input_shape
    step = model_config.patch_size * 2 ** (len(model_config.depths) - 1)
    scale = math.sqrt(memory / (PEAK * needed))
    fitting = [max(int(side * scale) // step, 1) * step for side in (height, width)]
    raise UsageError(
        f"A step of {images} images of {height} x {width} needs at least "
        f"{needed / 2**30:,.0f} GiB of memory, and there are {memory / 2**30:,.0f}. "
        f"About {fitting[0]} x {fitting[1]} fits. Otherwise: a smaller --batch-size, "
        "more --gradient-accumulation-steps, --remat true."
    )


def advice_for_resumed(config: TrainConfig, path) -> str:
    """Return what to do about too little memory for a run that resumes.

    Args:
        config: The run's.
        path: Its folder.
    """
    rates = ("dropout_rate", "attention_dropout_rate")
    draws = any(config.sizes.get(rate) for rate in rates)  # which `remat` refuses
    again = "" if config.remat or draws else "try --remat true, "
    weights = shlex.join(option_words("weights", path))
    return (
        f"A run that resumes keeps its batch, its image size and its precision: {again}"
        "end what else uses the device, resume on one with more memory, or start "
        f"another run from its weights: {weights} with a smaller --batch-size."
    )


def device_memory() -> int | None:
    """Return the bytes of memory of a device to train on, `None` if unknown."""
    if tf.config.list_physical_devices("GPU"):
        return _gpu_memory()
    return _main_memory()


def _gpu_memory():
    """Return the memory of the smallest NVIDIA GPU."""
    try:
        said = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return min(int(line) for line in said.stdout.split()) * 2**20
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _main_memory():
    """Return the memory of this machine, or what its container may take of it."""
    sizes = []
    for path, read in (
        ("/proc/meminfo", lambda text: int(text.split()[1]) * 1024),
        ("/sys/fs/cgroup/memory.max", int),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", int),
    ):
        try:
            sizes.append(read(Path(path).read_text("ascii")))
        except (OSError, ValueError):  # not on this system, or "max"
            continue
    return min(sizes, default=None)
