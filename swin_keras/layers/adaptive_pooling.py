"""Average pooling to a given size: what pyramid pooling is made of."""

import keras
import numpy as np
from keras import ops

from swin_keras.layers.map_size import as_pair, known_size, map_spec, plain_size


@keras.saving.register_keras_serializable(package="swin_keras")
class AdaptivePooling(keras.layers.Layer):
    """Average a feature map over as many cells as are wanted.

    `(B, H, W, C) -> (B, rows, columns, C)`; torch's `AdaptiveAvgPool2d`.

    Each cell is a mean over the tokens that it touches; where a side is not a multiple,
    neighbouring cells share some. Which token counts how much is known when the layer
    is built, so that all means are one product with a constant matrix. Keras' own
    layer gathers, which delegates of phones do not run.

    Args:
        size: Rows and columns of cells, `(rows, columns)` or one number.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.

    Returns:
        Means of shape `(B, rows, columns, C)`.

    Raises:
        ValueError: If the size is not at least 1.

    Reference:
        Zhao et al., 2017, section 3.2: https://arxiv.org/abs/1612.01105
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        if min(as_pair(size)) < 1:
            raise ValueError(f"`size` must be at least 1. Received: size={size}.")
        self.size = plain_size(size)

    def build(self, input_shape):
        self.input_spec = map_spec(input_shape)
        rows, columns = (
            pooling_matrix(*axis)
            for axis in zip(known_size(input_shape), as_pair(self.size), strict=True)
        )
        self._shares = np.kron(rows, columns)[None]  # (1, rows * columns, H * W)

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        x = ops.reshape(inputs, (-1, height * width, channels))
        x = ops.matmul(ops.convert_to_tensor(self._shares, x.dtype), x)
        return ops.reshape(x, (-1, *as_pair(self.size), channels))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *as_pair(self.size), input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def pooling_matrix(side: int, cells: int) -> np.ndarray:
    """Return the share that each token of an axis has in each cell.

    `(cells, side)`. Cell `i` begins at `floor(i * side / cells)` and ends before
    `ceil((i + 1) * side / cells)`.

    >>> pooling_matrix(3, 2)
    array([[0.5, 0.5, 0. ],
           [0. , 0.5, 0.5]], dtype=float32)
    """
    cell = np.arange(cells)[:, None]
    token = np.arange(side)[None, :]
    inside = (token >= cell * side // cells) & (token < -(-(cell + 1) * side // cells))
    return (inside / inside.sum(1, keepdims=True)).astype("float32")
