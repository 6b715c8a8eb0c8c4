"""A matrix product with each token of a feature map."""

from keras import ops


def pointwise(x, matrix):
    """Multiply each token: `(B, H, W, C)` by `(C, units)` to `(B, H, W, units)`.

    One product of two matrices, which LiteRT quantizes as it does a dense layer.
    """
    channels, units = matrix.shape
    rows = ops.matmul(ops.reshape(x, (-1, channels)), matrix)
    return ops.reshape(rows, (-1, *x.shape[1:3], units))
