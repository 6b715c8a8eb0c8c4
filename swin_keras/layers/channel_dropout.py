"""Dropout of whole channels."""

import keras

from swin_keras.layers.dropout import Dropout


@keras.saving.register_keras_serializable(package="swin_keras")
class ChannelDropout(Dropout):
    """Drop whole channels of a feature map, in training only.

    `(B, H, W, C) -> (B, H, W, C)`: a `Dropout` that drops or keeps all of a
    sample's channel. Neighbouring tokens are so alike that dropping one of them
    takes nothing away.

    Args:
        rate: Probability of dropping a channel, in `[0, 1)`.
        seed: Seed of the draws; `None` takes one from Keras' global seed.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.
        draws: What `draw` returned, `(B, 1, 1, C)`; `None` to draw here.
        training: Whether to drop.

    Returns:
        Feature map of the same shape.

    Raises:
        ValueError: If `rate` is outside `[0, 1)`.

    Reference:
        Tompson et al., 2015: https://arxiv.org/abs/1411.4280
    """

    def _together(self, shape):
        return (*(1,) * (len(shape) - 1), shape[-1])
