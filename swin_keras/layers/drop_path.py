"""Stochastic depth."""

import keras

from swin_keras.layers.dropout import Dropout


@keras.saving.register_keras_serializable(package="swin_keras")
class DropPath(Dropout):
    """Drop a residual branch for some samples of the batch, in training only.

    `(B, ...) -> (B, ...)`: a `Dropout` that drops or keeps all of a sample.

    Args:
        rate: Probability of dropping the branch, in `[0, 1)`.
        seed: Seed of the draws; `None` takes one from Keras' global seed.

    Call arguments:
        inputs: Tensor with the batch as first axis.
        draws: What `draw` returned, `(B, 1, ...)`, for a caller that must know it
            beforehand; `None` to draw here.
        training: Whether to drop.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: If `rate` is outside `[0, 1)`.

    Reference:
        Huang et al., 2016: https://arxiv.org/abs/1603.09382
    """

    def _together(self, shape):
        return (1,) * len(shape)
