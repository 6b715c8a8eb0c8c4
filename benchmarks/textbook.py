"""Swin as most projects write it, to compare with: same weights, same numbers.

Windows by six axes, `roll`, query, key and value picked from five axes, and
merging by slices with steps.
"""

import keras
from keras import ops

from swin_keras.layers import PatchMerging, SwinTransformerBlock, WindowAttention


class TextbookAttention(WindowAttention):
    def call(self, inputs, attention_mask=None, training=None):
        tokens, channels = inputs.shape[1:]
        qkv = self.qkv(inputs)
        qkv = ops.reshape(qkv, (-1, tokens, 3, self.num_heads, self.head_dim))
        q, k, v = (ops.transpose(qkv, (2, 0, 3, 1, 4))[i] for i in range(3))
        scores = ops.matmul(q * self.head_dim**-0.5, ops.swapaxes(k, -1, -2))
        bias = self.position_bias.bias_and_mask()
        scores = scores + bias
        if attention_mask is not None:
            windows = attention_mask.shape[0]
            shape = (-1, windows, self.num_heads, tokens, tokens)
            scores = ops.reshape(scores, shape) + attention_mask[None, :, None]
            scores = ops.reshape(scores, (-1, self.num_heads, tokens, tokens))
        x = ops.matmul(ops.softmax(scores, axis=-1), v)
        x = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, tokens, channels))
        return self.projection(x)


class TextbookBlock(SwinTransformerBlock):
    def build(self, input_shape):
        super().build(input_shape)
        self.attention.__class__ = TextbookAttention

    def _attend(self, inputs, training):
        _, height, width, channels = inputs.shape
        (rows, columns), (down, right) = self._window, self._shift
        x = ops.roll(inputs, (-down, -right), (1, 2)) if down or right else inputs
        grid = (-1, height // rows, rows, width // columns, columns, channels)
        x = ops.transpose(ops.reshape(x, grid), (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, rows * columns, channels))
        x = self.attention(x, attention_mask=self._mask, training=training)
        grid = (-1, height // rows, width // columns, rows, columns, channels)
        x = ops.transpose(ops.reshape(x, grid), (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, height, width, channels))
        return ops.roll(x, (down, right), (1, 2)) if down or right else x

    def _mlp(self, inputs, training):
        x = keras.activations.gelu(self.mlp_expand(inputs), approximate=False)
        return self.mlp_reduce(x)


class TextbookMerging(PatchMerging):
    def call(self, inputs):
        corners = [inputs[:, row::2, col::2] for row in (0, 1) for col in (0, 1)]
        return self.reduction(self.norm(ops.concatenate(corners, axis=-1)))


def textbook(model):
    """Return a model of the same weights in the textbook's form."""
    forms = {SwinTransformerBlock: TextbookBlock, PatchMerging: TextbookMerging}

    def copy(layer):
        return forms.get(type(layer), type(layer)).from_config(layer.get_config())

    twin = keras.models.clone_model(model, clone_function=copy)
    twin.set_weights(model.get_weights())
    return twin
