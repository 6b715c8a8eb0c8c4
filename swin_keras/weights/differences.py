"""Reports how a model differs from the one that a file was saved from."""

import keras
import numpy as np

from swin_keras.layers.map_size import as_pair
from swin_keras.layers.windows import fit_window
from swin_keras.models import SwinV2Config
from swin_keras.models.layer_names import PREPROCESSING
from swin_keras.weights.adaptation import Adapter
from swin_keras.weights.checkpoint import Checkpoint
from swin_keras.weights.dense_heads import is_of_dense_code
from swin_keras.weights.matching import some
from swin_keras.weights.sizes import checkpoint_window_fit, checkpoint_windows


def differences(checkpoint: Checkpoint, adapter: Adapter):
    """Yield a sentence for each difference that no tensor shows, but answers may."""
    given, config = adapter.given, adapter.config
    if given and given.input_shape[:2] != config.input_shape[:2]:
        sides = (x.input_shape[:2] for x in (config, given))
        yield "images: {} instead of {}".format(*sides)
    if isinstance(config, SwinV2Config):
        yield from _position_bias(checkpoint_windows(checkpoint), config)
        yield from _fitted_windows(given, config)
    yield from _window_fit(checkpoint_window_fit(checkpoint), config)
    if is_of_dense_code(checkpoint):
        yield from dense_windows(config)
    if given and checkpoint.is_keras:
        if given.mask_padding != config.mask_padding:
            yield (
                f"padding: mask_padding={config.mask_padding} instead of "
                f"{given.mask_padding}"
            )
        yield from _scaling(checkpoint.source.config, scaling(adapter.model))
    if checkpoint.is_keras and not given and config.patch_overlap:
        yield (
            f"patches: taken for patch_size={config.patch_size} and patch_overlap="
            f"{config.patch_overlap}, which the file does not say"
        )
    mapping = {id(mapped.variable) for mapped in adapter.mapping.values()}
    others = [v.path for v in adapter.model.weights if id(v) not in mapping]
    if others:
        yield f"left as they were, since not of this package: {some(others)}"


def scaling(model) -> tuple[tuple, tuple] | None:
    """Return mean and variance of the normalization in a model, by channel."""
    layers = {layer.name: layer for layer in model.layers}
    layer = layers.get(PREPROCESSING)
    if not isinstance(layer, keras.layers.Normalization):
        return None
    config, channels = layer.get_config(), layer.output.shape[-1]
    given = config["mean"], config["variance"]
    numbers = layer.get_weights()[:2] if None in given else given  # once adapted
    lists = (np.ravel(x).tolist() for x in numbers)
    return tuple(tuple(x * channels if len(x) == 1 else x) for x in lists)


def _position_bias(given, config):
    """Report when a continuous bias is computed for another window than before."""
    was = config.replace(**given)  # one number or several: the same windows
    if (as_pair(was.window_size), was.pretrained_windows) != (
        as_pair(config.window_size),
        config.pretrained_windows,
    ):
        yield (
            f"position bias: computed for window {config.window_size} instead of "
            f"{was.window_size}, with pretrained_window_size="
            f"{config.pretrained_window_size} instead of {was.pretrained_window_size}"
        )


def _fitted_windows(given, config):
    """Report stages whose maps hold a smaller window than where the bias was learned.

    A bias that is computed from distances takes those of another window for its own.
    """
    if not given or given.window_size != config.window_size:
        return
    sizes = zip(given.stage_sizes, config.stage_sizes, strict=True)
    for stage, of_stage in enumerate(sizes, start=1):
        was, fits = (fit_window(size, config.window_size, 0)[0] for size in of_stage)
        if was != fits:
            yield f"position bias: windows of {fits} instead of {was} in stage {stage}"


def _window_fit(wanted, config):
    """Report when windows fit a small map otherwise than where weights are from."""
    if config.window_fit_matters and wanted and config.window_fit != wanted:
        yield (
            f"windows: a map is no larger than the window on one side, where the code "
            f"of this file fits it by {wanted!r} and the model by "
            f"{config.window_fit!r}; build it with window_fit={wanted!r} for the same "
            "numbers"
        )


def dense_windows(config):
    """Yield where the published code of a segmenter has other windows or padding."""
    window = as_pair(config.window_size)
    axes = [
        pair for size in config.stage_sizes for pair in zip(size, window, strict=True)
    ]
    if config.mask_padding and any(a > b and a % b for a, b in axes):
        yield (
            "padding: masked, where the code of this file lets it be attended; build "
            "the model with mask_padding=False for the same numbers"
        )
    if any(side <= length for side, length in axes):
        yield (
            "windows: a map is no larger than the window, which the code of this file "
            "pads and shifts all the same; larger images give the same numbers"
        )


def _scaling(statement, own):
    if (statement["mean"] is None) != (own is None):
        takes = "takes images of 0 to 255" if own else "takes normalized images"
        yield f"preprocessing: this model {takes}, the file's does not"
