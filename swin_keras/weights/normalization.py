"""Follows the mean and deviation of the pixels that a checkpoint was trained on."""

import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.imagenet import imagenet_scaling
from swin_keras.weights.adaptation import Adapted
from swin_keras.weights.processor import stated_normalization

_KERNEL, _BIAS = "patch_embed.proj.weight", "patch_embed.proj.bias"


def follow_normalization(checkpoint, config, plan: dict, own) -> dict[str, Adapted]:
    """Make weights that saw pixels normalized otherwise see them as our models do.

    `(x - mean) / std` is linear, and so is the patch embedding after it: kernel and
    bias take up the difference, exactly.

    Args:
        checkpoint: The checkpoint.
        config: The configuration of a model that normalizes pixels itself.
        plan: How each tensor is made, as `match` returns it.
        own: Mean and variance of the normalization in the model, by channel.

    Returns:
        The plan, changed where another mean or standard deviation is stated.

    Raises:
        WeightsError: If that cannot be exact.
    """
    source = checkpoint.source
    channels = checkpoint.shape(_KERNEL)[1]
    stated = _stated(checkpoint, channels)
    if stated is None:
        return plan
    own = np.array([own[0], np.sqrt(own[1])])
    expected = own
    if _is_imagenet(own):  # which the file's channels may have, too
        expected = imagenet_scaling(channels)
    is_same = np.shape(stated) == np.shape(expected)
    rounded = 1e-4 if checkpoint.is_keras else 0.2  # of pixels 0..255
    if is_same and np.allclose(stated, expected, rtol=0, atol=rounded):
        return plan
    mean, std = stated
    sides = config.input_shape[:2]
    is_padded = config.patch_overlap or any(side % config.patch_size for side in sides)
    is_other = {channels, *mean.shape} != {config.input_shape[2]}
    if is_padded or is_other or not (std > 0).all():
        raise WeightsError(
            f"{source.name} was trained on pixels of mean {_in_words(mean)} and "
            f"deviation {_in_words(std)}, which this model cannot take up: it needs "
            "the same channels and an image that its patches divide. Build it with "
            "`include_preprocessing=False`, and normalize the images yourself."
        )
    scale, shift = own[1] / std, (own[0] - mean) / std

    def scaled(kernel):
        return kernel * scale[:, None, None]

    def shifted(bias):
        return bias + np.einsum("ochw,c->o", checkpoint.read(_KERNEL), shift)

    words = (
        f"preprocessing: mean {_in_words(mean)} and deviation "
        f"{_in_words(std)}, taken up by the patch embedding"
    )
    return plan | {_KERNEL: Adapted(words, scaled), _BIAS: Adapted("", shifted)}


def _is_imagenet(scaling):
    """Whether mean and deviation, one row each, are those of ImageNet's pixels."""
    return np.allclose(scaling, imagenet_scaling(scaling.shape[1]), rtol=1e-6)


def _stated(checkpoint, channels):
    """Return mean and deviation of pixels 0..255, two arrays of one shape, or None."""
    source = checkpoint.source
    if checkpoint.is_keras:
        return _stated_by_keras(source.config, channels)
    stated = stated_normalization(source.config, source.processor)
    if stated is None:
        return None
    *scaling, factor = stated
    try:
        arrays = (np.atleast_1d(np.asarray(x, "float64")) / factor for x in scaling)
        mean, std = np.broadcast_arrays(*arrays)
        if mean.ndim > 1 or not np.isfinite([*mean, *std]).all():
            raise ValueError("neither one number nor one for each channel")
        return _by_channel(mean, std, channels)
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"The mean and deviation of pixels that {source.name} states must be "
            f"numbers, as many as channels. Received: {scaling!r:.200}."
        ) from error


def _stated_by_keras(config, channels):
    """Return what a `.keras` file states."""
    if config.get("mean") is None:
        return None
    mean, variance = (np.ravel(config[name]) for name in ("mean", "variance"))
    return _by_channel(mean, np.sqrt(variance), channels)


def _by_channel(mean, std, channels):
    """Return both, of which one number stands for each channel."""
    if len(mean) == 1:
        mean, std = (np.repeat(x, channels) for x in (mean, std))
    return mean, std


def _in_words(values):
    return f"({', '.join(f'{value:.4g}' for value in values)})"
