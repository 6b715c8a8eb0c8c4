"""A matrix product with each token of a feature map."""

import keras
from keras import ops


def pointwise(x, matrix):
    """Multiply each token: `(B, ..., C)` by `(C, units)` to `(B, ..., units)`.

    One product of two matrices, which LiteRT quantizes as it does a dense layer.
    """
    channels, units = matrix.shape
    rows = ops.matmul(ops.reshape(x, (-1, channels)), matrix)
    return ops.reshape(rows, (-1, *x.shape[1:-1], units))


@keras.saving.register_keras_serializable(package="swin_keras")
class PointwiseDense(keras.layers.Dense):
    """A `keras.layers.Dense` that never asks how many pictures there are.

    `(B, ..., C) -> (B, ..., units)`. Keras' own reads the shape of a feature map while
    it runs where `B` is not known before, which delegates of phones do not run.

    Call arguments:
        inputs: Tensor of shape `(B, ..., C)`.

    Returns:
        Tensor of shape `(B, ..., units)`.
    """

    def call(self, inputs, training=None):
        if None in inputs.shape[1:]:
            return super().call(inputs)
        x = pointwise(inputs, self.kernel)
        if self.use_bias:
            x = x + self.bias
        return x if self.activation is None else self.activation(x)
