"""Patch partition and linear embedding: pixels to tokens."""

import keras
from keras import ops

from swin_keras.layers.initialization import (
    initializer_config,
    make_patch_initializers,
)
from swin_keras.layers.layer_normalization import LayerNormalization
from swin_keras.layers.map_size import known_size, pad_to_multiple, plain_size
from swin_keras.layers.quantization import KeepsQuantization
from swin_keras.layers.windows import window_partition


@keras.saving.register_keras_serializable(package="swin_keras")
class PatchEmbedding(KeepsQuantization, keras.layers.Layer):
    """Cut an image into patches and embed each as one token.

    `(B, H, W, C) -> (B, H / patch_size, W / patch_size, embed_dim)`; at
    224 x 224 x 3 the patch partition gives 56 x 56 x 48, the linear embedding
    56 x 56 x 96, that is 3136 tokens.

    Equal to a convolution whose kernel and stride are the patch. An image that
    patches do not divide is padded with zeros at the bottom and right.

    With an overlap a token also sees that many pixels around its patch, and the
    image has as many zeros around it: the same tokens, which know the edges
    between their patches. It helps where images are few or small; no published
    Swin has it.

    Args:
        patch_size: Side of a patch, in pixels.
        embed_dim: Channels of a token.
        overlap: Pixels that a token sees beyond each side of its patch.
        use_norm: Whether a layer normalization follows.
        kernel_initializer: Initializer of the kernel; `None` is the published way, see
            `make_patch_initializers`.

    Call arguments:
        inputs: Images of shape `(B, H, W, C)`.

    Returns:
        Tokens of shape `(B, ceil(H / patch_size), ceil(W / patch_size), embed_dim)`.

    References:
        Liu et al., 2021, section 3.1: https://arxiv.org/abs/2103.14030
        For the overlap, Wang et al., 2022: https://arxiv.org/abs/2106.13797
    """

    def __init__(
        self,
        patch_size: int,
        embed_dim: int,
        overlap: int = 0,
        use_norm=True,
        kernel_initializer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.patch_size = plain_size(patch_size)
        self.embed_dim = plain_size(embed_dim)
        self.overlap = plain_size(overlap)
        self.use_norm = use_norm
        self.kernel_initializer = kernel_initializer

    @property
    def kernel_size(self) -> int:
        """Side of what a token sees, in pixels."""
        return self.patch_size + 2 * self.overlap

    def build(self, input_shape):
        known_size(input_shape)
        values = self.kernel_size**2 * input_shape[-1]
        kernel_initializer, bias_initializer = make_patch_initializers(
            self.kernel_initializer, values
        )
        self.embedding = keras.layers.Dense(
            self.embed_dim,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            dtype=self.dtype_policy,
            name="embedding",
        )
        self.embedding.build((None, values))
        if self.use_norm:
            self.norm = LayerNormalization(dtype=self.dtype_policy, name="norm")
            self.norm.build((None, None, None, self.embed_dim))

    def call(self, inputs):
        x = pad_to_multiple(inputs, self.patch_size)
        rows, columns = (side // self.patch_size for side in x.shape[1:3])
        x = self._embed_overlapping(x) if self.overlap else self._embed(x)
        x = ops.reshape(x, (-1, rows, columns, self.embed_dim))
        return self.norm(x) if self.use_norm else x

    def _embed(self, x):
        values = self.patch_size**2 * x.shape[-1]
        x = window_partition(x, self.patch_size)
        return self.embedding(ops.reshape(x, (-1, values)))

    def _embed_overlapping(self, x):
        around = (self.overlap, self.overlap)
        x = ops.pad(x, ((0, 0), around, around, (0, 0)))
        if self.embedding.quantization_mode:  # only the layer can read its kernel
            patches = ops.image.extract_patches(
                x,
                self.kernel_size,
                strides=self.patch_size,
                padding="valid",
                data_format="channels_last",
            )
            return self.embedding(ops.reshape(patches, (-1, patches.shape[-1])))
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.embed_dim)
        kernel = ops.cast(ops.reshape(self.embedding.kernel, shape), x.dtype)
        x = ops.conv(
            x,
            kernel,
            strides=self.patch_size,
            padding="valid",
            data_format="channels_last",
        )
        return x + ops.cast(self.embedding.bias, x.dtype)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        size = self.patch_size
        return (batch, -(-height // size), -(-width // size), self.embed_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "patch_size": self.patch_size,
            "embed_dim": self.embed_dim,
            "overlap": self.overlap,
            "use_norm": self.use_norm,
            "kernel_initializer": initializer_config(self.kernel_initializer),
        }
