"""The Swin Transformer block: windowed attention, then an MLP, both residual."""

import keras
from keras import ops

from swin_keras.layers.drop_path import DropPath
from swin_keras.layers.dropout import Dropout, draw_together
from swin_keras.layers.initialization import initializer_config, make_initializer
from swin_keras.layers.layer_normalization import LayerNormalization
from swin_keras.layers.map_size import known_size, pad_to_multiple, plain_size
from swin_keras.layers.quantization import KeepsQuantization
from swin_keras.layers.window_attention import WindowAttention
from swin_keras.layers.windows import (
    check_shift,
    cyclic_shift,
    fit_window,
    shifted_window_mask,
    window_partition,
    window_reverse,
)


@keras.saving.register_keras_serializable(package="swin_keras")
class SwinTransformerBlock(KeepsQuantization, keras.layers.Layer):
    """One block: W-MSA or, with a shift, SW-MSA; then an MLP.

    `(B, H, W, C) -> (B, H, W, C)`; equation 3 of the paper:
    `x = x + attention(norm(x))`, then `x = x + mlp(norm(x))`.

    A map that windows do not divide is padded at the bottom and right, shifted,
    cut into windows, and put back. A map smaller than the window shrinks the
    window to the map's side and turns the shift off on that side, see `fit_window`.

    Args:
        num_heads: Number of attention heads; must divide the channels.
        window_size: Side of a window in tokens, or `(height, width)`.
        shift_size: 0 for W-MSA; `window_size // 2` for SW-MSA.
        mlp_ratio: Width of the MLP's hidden layer, in channels of the input.
        qkv_bias: Whether query, key and value have a bias.
        dropout_rate: Dropout after projection and MLP layers.
        attention_dropout_rate: Dropout on attention weights.
        drop_path_rate: Probability of dropping each branch for a sample.
        mask_padding: Whether padding is masked; see `shifted_window_mask`.
        window_fit: How a window fits a map that is no larger; see `fit_window`.
        remat: Whether training keeps only the block's input and computes the rest
            again in the backward pass: less memory, more time. TensorFlow then refuses
            a gradient of a gradient.
        kernel_initializer: Initializer of kernels; `None` is the published way, see
            `make_initializer`.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.
        training: Whether dropout and drop path are on.

    Returns:
        Feature map of the same shape.

    Raises:
        ValueError: If `num_heads` does not divide the channels, the shift is not
            smaller than the window, or there is dropout with `remat`.

    Reference:
        Liu et al., 2021, section 3.2: https://arxiv.org/abs/2103.14030
    """

    _norm_scale = "ones"

    def __init__(
        self,
        num_heads: int,
        window_size=7,
        shift_size=0,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        dropout_rate: float = 0.0,
        attention_dropout_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        mask_padding: bool = True,
        window_fit: str = "side",
        remat: bool = False,
        kernel_initializer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_shift(window_size, shift_size)
        if remat and (dropout_rate or attention_dropout_rate):
            raise ValueError(
                "`remat` would draw other dropout in the backward pass: one of them "
                f"must be off. Received: dropout_rate={dropout_rate}, "
                f"attention_dropout_rate={attention_dropout_rate}."
            )
        self.num_heads = plain_size(num_heads)
        self.window_size = plain_size(window_size)
        self.shift_size = plain_size(shift_size)
        self.mlp_ratio = mlp_ratio
        self.qkv_bias = qkv_bias
        self.dropout_rate = dropout_rate
        self.attention_dropout_rate = attention_dropout_rate
        self.drop_path_rate = drop_path_rate
        self.mask_padding = mask_padding
        self.window_fit = window_fit
        self.remat = remat
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        channels = input_shape[-1]
        map_size = known_size(input_shape)
        # Mask and window are those of this map; another would be answered wrongly.
        sides = dict(enumerate((*map_size, channels), 1))
        self.input_spec = keras.layers.InputSpec(ndim=4, axes=sides)
        self._window, self._shift = fit_window(
            map_size, self.window_size, self.shift_size, self.window_fit
        )
        self._mask = shifted_window_mask(
            map_size, self._window, self._shift, mask_padding=self.mask_padding
        )
        self.norm1 = self._norm("norm1", channels)
        self.attention = self._attention_layer(
            qkv_bias=self.qkv_bias,
            attention_dropout_rate=self.attention_dropout_rate,
            dropout_rate=self.dropout_rate,
            kernel_initializer=self.kernel_initializer,
            dtype=self.dtype_policy,
            name="attention",
        )
        tokens = self._window[0] * self._window[1]
        self.attention.build((None, tokens, channels))
        self.drop_path1 = self._drop_path("drop_path1", input_shape)
        self.norm2 = self._norm("norm2", channels)
        hidden = int(channels * self.mlp_ratio)
        self.mlp_expand = self._dense("mlp_expand", channels, hidden)
        self.mlp_reduce = self._dense("mlp_reduce", hidden, channels)
        self.dropout = Dropout(
            self.dropout_rate, dtype=self.dtype_policy, name="dropout"
        )
        self.drop_path2 = self._drop_path("drop_path2", input_shape)

    def _attention_layer(self, **options):
        return WindowAttention(self._window, self.num_heads, **options)

    def _norm(self, name, channels):
        norm = LayerNormalization(
            gamma_initializer=self._norm_scale,
            dtype=self.dtype_policy,
            name=name,
        )
        norm.build((None, None, None, channels))  # as many axes as it is called with
        return norm

    def _dense(self, name, channels, units):
        dense = keras.layers.Dense(
            units,
            kernel_initializer=make_initializer(self.kernel_initializer),
            dtype=self.dtype_policy,
            name=name,
        )
        dense.build((None, channels))
        return dense

    def _drop_path(self, name, input_shape):
        drop_path = DropPath(self.drop_path_rate, dtype=self.dtype_policy, name=name)
        drop_path.build(input_shape)
        return drop_path

    def call(self, inputs, training=None):
        if not training:
            return self._branches(inputs, training=training)
        draws = self._draws(inputs)
        if not self.remat:
            return self._branches(inputs, *draws, training=True)

        def branches(*tensors):  # TensorFlow's errors need its name
            return self._branches(*tensors, training=True)

        return keras.remat(branches)(inputs, *draws)  # and does not draw again

    def _draws(self, inputs):
        """Return what each branch draws; one that drops nothing does not look at it."""
        paths = [path for path in (self.drop_path1, self.drop_path2) if path.rate]
        if not paths:
            return ()
        draws = ops.unstack(draw_together(paths, inputs), len(paths))
        return draws[0], draws[-1]

    def _branches(self, inputs, draws1=None, draws2=None, training=None):
        x = self._attend(self.norm1(inputs), training)
        x = inputs + self.drop_path1(x, draws1, training=training)
        return x + self.drop_path2(
            self._mlp(self.norm2(x), training), draws2, training=training
        )

    def _attend(self, inputs, training):
        height, width = inputs.shape[1:3]
        x = pad_to_multiple(inputs, self._window)
        padded_size = tuple(x.shape[1:3])
        x = cyclic_shift(x, self._shift, training)
        x = window_partition(x, self._window)
        x = self.attention(x, attention_mask=self._mask, training=training)
        x = window_reverse(x, self._window, padded_size)
        x = cyclic_shift(x, tuple(-shift for shift in self._shift), training)
        is_padded = padded_size != (height, width)
        return x[:, :height, :width] if is_padded else x

    def _mlp(self, inputs, training):
        _, height, width, channels = inputs.shape
        x = ops.reshape(inputs, (-1, channels))
        x = keras.activations.gelu(self.mlp_expand(x), approximate=False)
        x = self.mlp_reduce(self.dropout(x, training=training))
        x = self.dropout(x, training=training)
        return ops.reshape(x, (-1, height, width, channels))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "window_size": self.window_size,
            "shift_size": self.shift_size,
            "mlp_ratio": self.mlp_ratio,
            "qkv_bias": self.qkv_bias,
            "dropout_rate": self.dropout_rate,
            "attention_dropout_rate": self.attention_dropout_rate,
            "drop_path_rate": self.drop_path_rate,
            "mask_padding": self.mask_padding,
            "window_fit": self.window_fit,
            "remat": self.remat,
            "kernel_initializer": initializer_config(self.kernel_initializer),
        }
