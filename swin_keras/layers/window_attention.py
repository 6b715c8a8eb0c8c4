"""Attention within windows, plain (W-MSA) or shifted (SW-MSA)."""

import math

import keras
from keras import ops

from swin_keras.layers.dropout import Dropout
from swin_keras.layers.initialization import initializer_config, make_initializer
from swin_keras.layers.map_size import as_pair, plain_size
from swin_keras.layers.position_bias import ContinuousPositionBias, RelativePositionBias
from swin_keras.layers.precision import full_precision
from swin_keras.layers.quantization import KeepsQuantization


@keras.saving.register_keras_serializable(package="swin_keras")
class WindowAttention(KeepsQuantization, keras.layers.Layer):
    """Multi-head self-attention inside each window, with relative position bias.

    `(B * num_windows, N, C) -> (B * num_windows, N, C)`.

    `softmax(q k^T / sqrt(head_dim) + bias + attention_mask) v`; scores and
    softmax are float32 under any policy of half precision.

    Args:
        window_size: Side of a window in tokens, or `(height, width)`.
        num_heads: Number of heads; must divide the channels.
        qkv_bias: Whether the query, key and value projection has a bias.
        attention_dropout_rate: Share of attention weights dropped in training.
        dropout_rate: Share of outputs dropped in training.
        kernel_initializer: Initializer of kernels; `None` is the published way, see
            `make_initializer`.

    Call arguments:
        inputs: Windows of shape `(B * num_windows, N, C)`, all windows of an
            image in order.
        attention_mask: `None`, or what `shifted_window_mask` makes: an array
            `(num_windows, N, N)` that is added to the scores of every head.
        training: Whether dropout is on.

    Returns:
        Windows of the same shape.

    Raises:
        ValueError: If `num_heads` does not divide the channels, or the inputs are no
            windows of this size.

    Reference:
        Liu et al., 2021, section 3.2: https://arxiv.org/abs/2103.14030
    """

    def __init__(
        self,
        window_size,
        num_heads: int,
        qkv_bias: bool = True,
        attention_dropout_rate: float = 0.0,
        dropout_rate: float = 0.0,
        kernel_initializer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.window_size = plain_size(window_size)
        self.num_heads = plain_size(num_heads)
        self.qkv_bias = qkv_bias
        self.attention_dropout_rate = attention_dropout_rate
        self.dropout_rate = dropout_rate
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the channels. "
                f"Received: num_heads={self.num_heads}, channels={channels}."
            )
        height, width = as_pair(self.window_size)
        if input_shape[1] != height * width:
            raise ValueError(
                "Windows must hold the tokens of `window_size`. "
                f"Received: window_size={self.window_size}, inputs of {input_shape[1]} "
                "tokens."
            )
        self.head_dim = channels // self.num_heads
        self._score_dtype = full_precision(self.compute_dtype)
        self._build_scores(channels)
        tokens = input_shape[1]
        self.position_bias = self._position_bias_layer()
        self.position_bias.build((None, self.num_heads, tokens, tokens))
        self.projection = self._dense(channels, "projection")
        self.projection.build((None, channels))
        self.attention_dropout = Dropout(
            self.attention_dropout_rate,
            dtype=self._score_dtype,
            name="attention_dropout",
        )
        self.dropout = Dropout(
            self.dropout_rate, dtype=self.dtype_policy, name="dropout"
        )

    def _build_scores(self, channels):
        self.qkv = self._dense(3 * channels, "qkv", use_bias=self.qkv_bias)
        self.qkv.build((None, channels))

    def _position_bias_layer(self):
        return RelativePositionBias(
            self.window_size, dtype=self._score_dtype, name="position_bias"
        )

    def _dense(self, units, name, use_bias=True):
        return keras.layers.Dense(
            units,
            use_bias=use_bias,
            kernel_initializer=make_initializer(self.kernel_initializer),
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, inputs, attention_mask=None, training=None):
        tokens, channels = inputs.shape[1:]
        # On flat tokens, a projection is one matrix product in every runtime.
        q, k, v = ops.split(self._project(ops.reshape(inputs, (-1, channels))), 3, -1)
        q, k = ops.cast(q, self._score_dtype), ops.cast(k, self._score_dtype)
        q = self._heads(q, tokens, (0, 2, 1, 3))
        k = self._heads(k, tokens, (0, 2, 3, 1))  # so that matmul needs no flag
        v = self._heads(v, tokens, (0, 2, 1, 3))
        scores = self.position_bias(self._scores(q, k), attention_mask=attention_mask)
        weights = _softmax(scores)  # (B * num_windows, num_heads, N, N)
        weights = self.attention_dropout(weights, training=training)
        x = ops.matmul(ops.cast(weights, v.dtype), v)
        x = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, channels))
        x = self.dropout(self.projection(x), training=training)
        return ops.reshape(x, (-1, tokens, channels))

    def _project(self, x):
        return self.qkv(x)

    def _scores(self, q, k):
        return ops.matmul(q * self.head_dim**-0.5, k)

    def _heads(self, x, tokens, axes):
        x = ops.reshape(x, (-1, tokens, self.num_heads, self.head_dim))
        return ops.transpose(x, axes)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "window_size": self.window_size,
            "num_heads": self.num_heads,
            "qkv_bias": self.qkv_bias,
            "attention_dropout_rate": self.attention_dropout_rate,
            "dropout_rate": self.dropout_rate,
            "kernel_initializer": initializer_config(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="swin_keras")
class CosineWindowAttention(WindowAttention):
    """A `WindowAttention` that compares by cosine, for Swin V2.

    `(B * num_windows, N, C) -> (B * num_windows, N, C)`.

    `softmax(scale * cos(q, k) + bias + attention_mask) v`, with one learned scale
    a head, at most 100, and a `ContinuousPositionBias`. Keys have no bias.
    Cosines and scale are float32 under any policy of half precision.

    Args:
        window_size: Side of a window in tokens, or `(height, width)`.
        num_heads: Number of heads; must divide the channels.
        pretrained_window_size: See `ContinuousPositionBias`.
        **kwargs: Other arguments of `WindowAttention`.

    Call arguments:
        inputs: As in `WindowAttention`.
        attention_mask: As in `WindowAttention`.
        training: Whether dropout is on.

    Returns:
        Windows of the same shape.

    Reference:
        Liu et al., 2022, section 3.2: https://arxiv.org/abs/2111.09883
    """

    def __init__(self, window_size, num_heads, pretrained_window_size=0, **kwargs):
        super().__init__(window_size, num_heads, **kwargs)
        self.pretrained_window_size = plain_size(pretrained_window_size)

    def _build_scores(self, channels):
        self.qkv = self._dense(3 * channels, "qkv", use_bias=False)
        self.qkv.build((None, channels))
        if self.qkv_bias:
            self.q_bias, self.v_bias = (
                self.add_weight(name=name, shape=(channels,), initializer="zeros")
                for name in ("q_bias", "v_bias")
            )
        self.logit_scale = self.add_weight(
            name="logit_scale",
            shape=(self.num_heads, 1, 1),
            initializer=keras.initializers.Constant(math.log(10)),
            autocast=False,
        )

    def _position_bias_layer(self):
        return ContinuousPositionBias(
            self.window_size,
            self.pretrained_window_size,
            dtype=self._score_dtype,
            name="position_bias",
        )

    def _project(self, x):
        x = self.qkv(x)
        if not self.qkv_bias:
            return x
        k_bias = ops.zeros(self.q_bias.shape, x.dtype)
        biases = (
            ops.cast(self.q_bias, x.dtype),
            k_bias,
            ops.cast(self.v_bias, x.dtype),
        )
        return x + ops.concatenate(biases, axis=0)

    def _scores(self, q, k):
        scale = ops.cast(self.logit_scale, self._score_dtype)
        scale = ops.exp(ops.minimum(scale, math.log(100)))
        # Scale first: a converter makes `q / length` an operation that phones lack.
        q = q * (scale * _inverse_length(q, axis=-1))
        return ops.matmul(q, k * _inverse_length(k, axis=-2))

    def get_config(self):
        return {
            **super().get_config(),
            "pretrained_window_size": self.pretrained_window_size,
        }


def _softmax(scores):
    """Return the softmax over keys; of a single key Keras would warn."""
    if scores.shape[-1] == 1:
        return ops.exp(scores - scores)
    return ops.softmax(scores, axis=-1)


def _inverse_length(x, axis):
    """Return what vectors are multiplied with to have length 1.

    Padding can be zero, and stays zero. A device that computes in half precision
    takes 1e-24 for 0, hence the second bound, the largest power of 2 that it holds.
    """
    squared = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.minimum(ops.rsqrt(ops.maximum(squared, 1e-24)), 2.0**15)
