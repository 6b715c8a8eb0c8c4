"""The block of Swin V2: attention by cosine, and norms after the branches."""

import keras

from swin_keras.layers.map_size import plain_size
from swin_keras.layers.transformer_block import SwinTransformerBlock
from swin_keras.layers.window_attention import CosineWindowAttention


@keras.saving.register_keras_serializable(package="swin_keras")
class SwinTransformerV2Block(SwinTransformerBlock):
    """A `SwinTransformerBlock` that normalizes what each branch adds, for Swin V2.

    `(B, H, W, C) -> (B, H, W, C)`: `x = x + norm(attention(x))`, then
    `x = x + norm(mlp(x))`, with a `CosineWindowAttention`. The norms start at
    zero, and so the block as the identity.

    Args:
        num_heads: Number of attention heads; must divide the channels.
        pretrained_window_size: See `ContinuousPositionBias`.
        **kwargs: Other arguments of `SwinTransformerBlock`.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.
        training: Whether dropout and drop path are on.

    Returns:
        Feature map of the same shape.

    Reference:
        Liu et al., 2022, section 3.2: https://arxiv.org/abs/2111.09883
    """

    _norm_scale = "zeros"

    def __init__(self, num_heads: int, pretrained_window_size=0, **kwargs):
        super().__init__(num_heads, **kwargs)
        self.pretrained_window_size = plain_size(pretrained_window_size)

    def _attention_layer(self, **options):
        return CosineWindowAttention(
            self._window, self.num_heads, self.pretrained_window_size, **options
        )

    def _branches(self, inputs, draws1=None, draws2=None, training=None):
        x = self.norm1(self._attend(inputs, training))
        x = inputs + self.drop_path1(x, draws1, training=training)
        return x + self.drop_path2(
            self.norm2(self._mlp(x, training)), draws2, training=training
        )

    def get_config(self):
        return {
            **super().get_config(),
            "pretrained_window_size": self.pretrained_window_size,
        }
