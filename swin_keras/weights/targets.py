"""What other projects cannot hold, which is refused, or compute otherwise: said."""

import logging

from swin_keras.errors import UsageError
from swin_keras.layers.map_size import as_pair
from swin_keras.layers.windows import fit_window
from swin_keras.models import SwinConfig, SwinV2Config

_log = logging.getLogger("swin_keras.weights")


def check_huggingface(config: SwinConfig):
    """Refuse what `transformers` cannot hold, and warn of what it computes otherwise.

    Raises:
        UsageError: If it cannot hold the model.
    """
    height, width = as_pair(config.window_size)
    is_v2 = isinstance(config, SwinV2Config)
    if height != width or config.patch_overlap or not config.patch_norm:
        raise UsageError(
            "transformers has square windows only, always normalizes patches, and has "
            f"no overlap of patches. Received: window_size={config.window_size}, "
            f"patch_norm={config.patch_norm}, patch_overlap={config.patch_overlap}."
        )
    if is_v2 and config.position_embedding:
        raise UsageError(
            "transformers' Swin V2 has a position embedding of another length. "
            "Received: position_embedding=True."
        )
    if not is_v2 and min(config.stage_sizes[-1]) < height:
        raise UsageError(
            "transformers runs no Swin whose map is smaller than its window. Received: "
            f"a last map of {config.stage_sizes[-1]}, window_size={height}. Save for "
            "timm, or build a smaller window."
        )
    if config.mask_padding:
        _warn_of_padding(config, "transformers", "lets padding be attended")
    if len(set(config.input_shape[:2])) == 2:
        _log.warning(
            "transformers' pipeline stretches pictures to a model that is not square, "
            "where this package cuts the centre: give it pictures of the shape %s.",
            config.input_shape[:2],
        )
    window = _huggingface_v2_window if is_v2 else _huggingface_window
    for stage, (size, depth) in _stages(config):
        shift = height // 2 if depth > 1 else 0
        ours = fit_window(size, height, shift, config.window_fit)
        if window(config, stage) != ours and (depth > 1 or is_v2):
            _log.warning(
                "On maps of %s, as in stage %d of this model, transformers has other "
                "windows or shifts: its logits will differ.",
                size,
                stage + 1,
            )
            return


def check_timm(config: SwinConfig):
    """Refuse what timm cannot hold, and warn of what it computes otherwise.

    Raises:
        UsageError: If it cannot hold the model.
    """
    if config.position_embedding or config.patch_overlap or not config.patch_norm:
        raise UsageError(
            "timm's Swin always normalizes patches and has no position embedding nor "
            f"overlap of patches. Received: patch_norm={config.patch_norm}, "
            f"position_embedding={config.position_embedding}, "
            f"patch_overlap={config.patch_overlap}."
        )
    if config.window_fit_matters and config.window_fit != "side":
        _log.warning(
            "A map of this model is no larger than the window on one side only, and "
            "timm fits windows side by side: its logits will differ, unless "
            "window_fit='side'."
        )
    if any(side % config.patch_size for side in config.input_shape[:2]):
        _log.warning(
            "Patches of %d do not divide images of %s: timm leaves the last pixels "
            "out, and its logits will differ.",
            config.patch_size,
            config.input_shape[:2],
        )
    elif config.mask_padding:
        _warn_of_padding(config, "timm", "lets padding be attended")
    else:
        _warn_of_padding(config, "timm", "shifts before it pads", min_depth=2)


def _warn_of_padding(config, project, does, min_depth=1):
    """Warn where a map that a project must pad is not divided by its windows."""
    window = as_pair(config.window_size)
    is_padded = any(
        depth >= min_depth and side > length and side % length
        for _, (size, depth) in _stages(config)
        for side, length in zip(size, window, strict=True)
    )
    if is_padded:
        differ = "may differ"
        if config.mask_padding:
            differ = "will differ, unless mask_padding=False"
        _log.warning(
            "Windows do not divide every map of this model, and %s %s: its logits %s.",
            project,
            does,
            differ,
        )


def _stages(config):
    return enumerate(zip(config.stage_sizes, config.depths, strict=True))


def _huggingface_window(config, stage):
    """Return window and shift of V1: none on either side where one is too short."""
    side, depth = as_pair(config.window_size)[0], config.depths[stage]
    is_shifted = depth > 1 and min(config.stage_sizes[stage]) > side
    return (side, side), (side // 2 if is_shifted else 0,) * 2


def _huggingface_v2_window(config, stage):
    """Return window and shift of V2, both by the height, which is rounded down."""
    side, depth = as_pair(config.window_size)[0], config.depths[stage]
    height = config.input_shape[0] // config.patch_size // 2**stage
    is_shifted = depth > 1 and height > side
    return (min(side, height),) * 2, (side // 2 if is_shifted else 0,) * 2
