"""What images go through before a model, as folders for others state it: both ways."""

import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.models import SwinConfig
from swin_keras.weights.project_config import Use


def stated_crop(config: dict, processor: dict) -> float:
    """Return the share of an image that is kept, if it is stated; else 1.

    A processor states two sizes, of which one is rounded; ours adds the share itself.

    >>> sizes = {"size": {"shortest_edge": 40}, "crop_size": 32}
    >>> stated_crop({}, {"do_center_crop": True, **sizes})
    0.8

    Raises:
        WeightsError: If what is stated is no share, or no sizes.
    """
    timm = config.get("pretrained_cfg") or {}
    stated = (
        config.get("crop_fraction"),
        timm.get("crop_pct"),
        processor.get("crop_pct"),
    )
    crop = next((share for share in stated if share is not None), None)
    if crop is None:
        crop = _centre_crop(processor)
    if not isinstance(crop, int | float) or not 0 < crop <= 1:
        raise WeightsError(f"A share of an image must be in (0, 1]. It is {crop!r}.")
    return float(crop)


def _centre_crop(processor):
    """Return the share that is cut out of the centre of what is resized."""
    if not processor.get("do_center_crop") or processor.get("do_resize") is False:
        return 1.0
    whole, kept = (_shorter_side(processor, name) for name in ("size", "crop_size"))
    return min(1.0, kept / whole) if whole and kept else 1.0


def _shorter_side(processor, name):
    """Return the shorter of the sides that a processor states; `None` if none."""
    stated = processor.get(name)
    if isinstance(stated, dict):
        edge = stated.get("shortest_edge")
        stated = [stated.get("height"), stated.get("width")] if edge is None else edge
    sides = stated if isinstance(stated, list) else [stated]
    sides = [side for side in sides if side is not None]
    if not all(isinstance(side, int | float) and 0 < side < np.inf for side in sides):
        raise WeightsError(
            f"`{name}` of a preprocessor_config.json must be positive numbers. "
            f"Received: {processor[name]!r:.200}."
        )
    return min(sides, default=None)


def stated_normalization(config: dict, processor: dict):
    """Return `(mean, std, factor)` as timm or a processor states, or None.

    Pixels 0..255 are multiplied by the factor before the mean is subtracted.

    Raises:
        WeightsError: If the factor is no positive number.
    """
    timm = config.get("pretrained_cfg") or {}
    mean, std, factor = timm.get("mean"), timm.get("std"), 1 / 255
    if "image_mean" in processor or "do_normalize" in processor:
        mean, std = processor.get("image_mean"), processor.get("image_std")
        if processor.get("do_normalize") is False:
            mean, std = 0.0, 1.0
        factor = _rescale_factor(processor)
    return None if mean is None or std is None else (mean, std, factor)


def _rescale_factor(processor):
    if processor.get("do_rescale") is False:
        return 1.0
    factor = processor.get("rescale_factor")
    if factor is None:
        return 1 / 255
    if not isinstance(factor, int | float) or not 0 < factor < np.inf:
        raise WeightsError(
            "`rescale_factor` of a preprocessor_config.json must be a positive number, "
            f"such as 1/255. Received: {factor!r:.200}."
        )
    return factor


def huggingface_processor(config: SwinConfig, use: Use) -> dict:
    """Make the `preprocessor_config.json` for `transformers`.

    It cuts the centre out of what is resized by its shorter side, which for square
    models is what this package does. Others it can only stretch to their size.
    `crop_pct`, which `transformers` passes over, is the share before rounding.
    """
    height, width, channels = config.input_shape
    size = {"height": height, "width": width}
    is_square = height == width
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": channels == 3,
        "do_resize": True,
        "size": {"shortest_edge": round(height / use.crop)} if is_square else size,
        "resample": 3,
        "do_center_crop": is_square,
        "crop_size": size,
        "crop_pct": use.crop,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(use.mean),
        "image_std": list(use.std),
    }
