"""Layer normalization with a short gradient."""

import keras
from keras import ops

EPSILON = 1e-5  # of the published models


@keras.saving.register_keras_serializable(package="swin_keras")
class LayerNormalization(keras.layers.LayerNormalization):
    """Normalize over the channels, as Keras does, with a short gradient.

    `(B, ..., C) -> (B, ..., C)`. TensorFlow differentiates Keras' layer operation
    by operation and keeps what each of them made. In training on TensorFlow the
    gradient is written out instead, which keeps the input and two numbers a token: a
    step without XLA takes about a tenth less time.

    A gradient of a gradient, as penalties on gradients ask for, needs `training=True`
    on TensorFlow: Keras' layer, which computes otherwise, leaves out a part of it. It
    also computes without `scale` or `center`, and over another axis than the last.

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
            keras.backend.backend() in ("jax", "torch")  # which have it fused
            or not (self.scale and self.center)
            or getattr(self, "rms_scaling", False)  # older Keras: centres nothing
            or self.axis not in (-1, [-1], [len(inputs.shape) - 1])
        )
        if plain or not training:
            return super().call(inputs)
        dtype = keras.backend.result_type(inputs.dtype, "float32")  # or float64
        tensors = (ops.cast(x, dtype) for x in (inputs, self.gamma, self.beta))
        return ops.cast(_normalized(*tensors, self.epsilon), self.compute_dtype)


def _normalized(x, scale, offset, epsilon):
    @ops.custom_gradient
    def normalized(x, scale, offset):
        mean = _mean(x)
        centred = x - mean
        inverse = ops.rsqrt(_mean(ops.square(centred)) + epsilon)

        def gradient(upstream):
            unit = (x - mean) * inverse
            scaled = upstream * scale
            to_x = inverse * (scaled - _mean(scaled) - unit * _mean(scaled * unit))
            return to_x, _sum_of_tokens(upstream * unit), _sum_of_tokens(upstream)

        return centred * inverse * scale + offset, gradient

    return normalized(x, scale, offset)


def _mean(x):
    return ops.mean(x, axis=-1, keepdims=True)


def _sum_of_tokens(x):
    return ops.sum(x, axis=tuple(range(len(x.shape) - 1)))
