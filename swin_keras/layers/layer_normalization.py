"""Layer normalization with a short gradient."""

import keras
from keras import ops

EPSILON = 1e-5  # of the published models


@keras.saving.register_keras_serializable(package="swin_keras")
class LayerNormalization(keras.layers.LayerNormalization):
    """Normalize over the channels; on TensorFlow, training takes half the time.

    `(B, ..., C) -> (B, ..., C)`: Keras' layer, and its result. TensorFlow
    differentiates that layer operation by operation, which reads and writes a
    feature map some twenty times. In training the gradient is written out instead:
    its sums over channels and over tokens are matrix products.

    Args:
        epsilon: Added to the variance.
        **kwargs: As of `keras.layers.LayerNormalization`.

    Call arguments:
        inputs: Tensor of shape `(B, ..., C)`.
        training: Whether gradients will be asked for.

    Returns:
        Tensor of the same shape and type.

    Reference:
        Ba et al., 2016: https://arxiv.org/abs/1607.06450
    """

    def __init__(self, epsilon: float = EPSILON, **kwargs):
        super().__init__(epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None):
        plain = (
            keras.backend.backend() != "tensorflow"  # the others have it fused
            or not (self.scale and self.center)
            or self.axis not in (-1, [-1], [len(inputs.shape) - 1])
            or inputs.dtype == "float64"
        )
        if plain or not training:
            return super().call(inputs)
        tensors = (ops.cast(x, "float32") for x in (inputs, self.gamma, self.beta))
        return ops.cast(_normalized(*tensors, self.epsilon), self.compute_dtype)


def _normalized(x, scale, offset, epsilon):
    channels = x.shape[-1]

    @ops.custom_gradient
    def normalized(x, scale, offset):
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        inverse = ops.rsqrt(variance + epsilon)
        unit = centred * inverse

        def gradient(upstream):
            rows, row_units, row_inverse = (
                ops.reshape(part, (-1, part.shape[-1]))
                for part in (upstream, unit, inverse)
            )
            products = rows * row_units
            every_row = ops.ones((1, ops.shape(rows)[0]))
            mean_weights = ops.expand_dims(scale, -1) / channels
            mean = ops.matmul(rows, mean_weights)
            correlation = ops.matmul(products, mean_weights)
            to_x = row_inverse * (rows * scale - row_units * correlation - mean)
            return (
                ops.reshape(to_x, ops.shape(x)),
                ops.matmul(every_row, products)[0],
                ops.matmul(every_row, rows)[0],
            )

        return unit * scale + offset, gradient

    return normalized(x, scale, offset)
