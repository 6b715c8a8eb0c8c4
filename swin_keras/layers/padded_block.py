"""The other way to shift windows, kept as a reference: pad the small ones.

Moving the grid of windows leaves smaller windows along the edges. The paper's
first, naive answer pads each to full size and masks the padding, at the price of
more windows. Tests prove `SwinTransformerBlock` equal to it and the benchmark
times both (the paper's table 5).
"""

import keras
import numpy as np
from keras import ops

from swin_keras.layers.transformer_block import SwinTransformerBlock
from swin_keras.layers.windows import MASKED, window_partition, window_reverse


@keras.saving.register_keras_serializable(package="swin_keras")
class PaddedSwinTransformerBlock(SwinTransformerBlock):
    """A `SwinTransformerBlock` that pads small windows instead of a cyclic shift.

    `(B, H, W, C) -> (B, H, W, C)`; same arguments, same weights, same result.
    """

    def build(self, input_shape):
        super().build(input_shape)
        grid = zip(input_shape[1:3], self._window, self._shift, strict=True)
        self._padding = [_padding(*axis) for axis in grid]
        rows, columns = (
            np.pad(np.ones(side), padding)
            for side, padding in zip(input_shape[1:3], self._padding, strict=True)
        )
        inside = (rows[:, None] * columns[None, :])[None, :, :, None]
        inside = window_partition(ops.convert_to_tensor(inside), self._window)
        inside = ops.convert_to_numpy(inside)[..., 0]
        apart = inside[:, :, None] != inside[:, None, :]
        self._mask = np.where(apart, np.float32(MASKED), np.float32(0))

    def _attend(self, inputs, training):
        (top, bottom), (left, right) = self._padding
        height, width = inputs.shape[1:3]
        x = ops.pad(inputs, ((0, 0), (top, bottom), (left, right), (0, 0)))
        padded_size = x.shape[1:3]
        x = window_partition(x, self._window)
        x = self.attention(x, attention_mask=self._mask, training=training)
        x = window_reverse(x, self._window, padded_size)
        return x[:, top : top + height, left : left + width]


def _padding(side, window, shift):
    """Return padding before and after, so that windows start at the shift."""
    before = window - shift if shift else 0
    return before, -(side + before) % window
