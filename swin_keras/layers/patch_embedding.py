"""Patch partition and linear embedding: pixels to tokens."""

import keras
import numpy as np
from keras import ops

from swin_keras.layers.initialization import initializer_config, make_initializer
from swin_keras.layers.windows import known_size, pad_to_multiple, window_partition


@keras.saving.register_keras_serializable(package="swin_keras")
class PatchEmbedding(keras.layers.Layer):
    """Cut an image into patches and embed each as one token.

    `(B, H, W, C) -> (B, H / patch_size, W / patch_size, embed_dim)`; at
    224 x 224 x 3 the patch partition gives 56 x 56 x 48, the linear embedding
    56 x 56 x 96, that is 3136 tokens.

    Equal to a convolution whose kernel and stride are the patch. An image that
    patches do not divide is padded with zeros at the bottom and right.

    Args:
        patch_size: Side of a patch, in pixels.
        embed_dim: Channels of a token.
        use_norm: Whether a layer normalization follows.
        kernel_initializer: How kernels begin; `None` is the published way, see
            `make_initializer`.

    Call arguments:
        inputs: Images of shape `(B, H, W, C)`.

    Returns:
        Tokens of shape `(B, ceil(H / patch_size), ceil(W / patch_size), embed_dim)`.

    Reference:
        Liu et al., 2021, section 3.1: https://arxiv.org/abs/2103.14030
    """

    def __init__(
        self,
        patch_size: int,
        embed_dim: int,
        use_norm=True,
        kernel_initializer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.patch_size = patch_size
        self.embed_dim = embed_dim
        self.use_norm = use_norm
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        known_size(input_shape)
        values = self.patch_size**2 * input_shape[-1]
        self.embedding = keras.layers.Dense(
            self.embed_dim,
            kernel_initializer=make_initializer(self.kernel_initializer),
            dtype=self.dtype_policy,
            name="embedding",
        )
        self.embedding.build((None, values))
        if self.use_norm:
            self.norm = keras.layers.LayerNormalization(
                epsilon=1e-5, dtype=self.dtype_policy, name="norm"
            )
            self.norm.build((None, self.embed_dim))

    def fold_normalization(self, mean, std):
        """Take images as they are: `(x - mean) / std` goes into the weights.

        For inference, and where no padding is needed: padding is zero after the
        normalization, not before.

        Args:
            mean: The mean of each channel.
            std: The standard deviation of each channel.
        """
        mean, std = (np.tile(np.ravel(v), self.patch_size**2) for v in (mean, std))
        kernel = ops.convert_to_numpy(self.embedding.kernel) / std[:, None]
        bias = ops.convert_to_numpy(self.embedding.bias) - mean @ kernel
        self.embedding.set_weights([kernel, bias])

    def call(self, inputs):
        x = pad_to_multiple(inputs, self.patch_size)
        rows, columns = (side // self.patch_size for side in x.shape[1:3])
        values = self.patch_size**2 * x.shape[-1]
        x = ops.reshape(window_partition(x, self.patch_size), (-1, values))
        x = self.embedding(x)
        if self.use_norm:
            x = self.norm(x)
        return ops.reshape(x, (-1, rows, columns, self.embed_dim))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        size = self.patch_size
        return (batch, -(-height // size), -(-width // size), self.embed_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "patch_size": self.patch_size,
            "embed_dim": self.embed_dim,
            "use_norm": self.use_norm,
            "kernel_initializer": initializer_config(self.kernel_initializer),
        }
