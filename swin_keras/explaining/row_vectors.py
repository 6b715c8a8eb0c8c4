"""How much each token of a map goes into an answer, taken down layer by layer.

A block's attention is a matrix of all tokens by all tokens, most of it zero; with
56 x 56 tokens it has ten million entries. But what goes into an answer is one row
of the product of all these matrices, and a row is taken through one of them window
by window, as the block itself goes. No full matrix is ever built.
"""

import numpy as np
from keras import ops

from swin_keras.layers.map_size import pad_to_multiple
from swin_keras.layers.windows import (
    cyclic_shift,
    shifted_window_mask,
    window_partition,
    window_reverse,
)

RESIDUAL = 0.5  # share of a token that a block passes by its attention


class BlockAttention:
    """How the tokens of one block attended to each other: rows that sum to 1.

    Pairs that the shift's mask parts are exactly 0, so are those of a token and
    padding, also where the model itself does not mask padding; what is left of a
    row sums to 1. A row of zeros stays with its own token.

    Args:
        weights: `(B * num_windows, N, N)`, query by key, all windows of an image in
            order.
        map_size: `(H, W)` of the block's map in tokens, before padding.
        window_size: `(height, width)` of its windows.
        shift_size: `(down, right)`, by which they are shifted.
    """

    def __init__(self, weights, map_size, window_size, shift_size):
        self.map_size = tuple(map_size)
        self.window_size = tuple(window_size)
        self.shift_size = tuple(shift_size)
        weights = np.asarray(weights, "float64")
        mask = shifted_window_mask(self.map_size, self.window_size, self.shift_size)
        if mask is not None:
            allowed = np.tile(mask == 0, (len(weights) // len(mask), 1, 1))
            weights = np.where(allowed, weights, 0.0)
        sums = weights.sum(-1, keepdims=True)
        own = np.eye(weights.shape[-1])
        self.weights = np.where(sums > 0, weights / np.where(sums > 0, sums, 1), own)

    def pull(self, row, residual: float = RESIDUAL) -> np.ndarray:
        """Take a row over the block's outputs to one over its inputs.

        `(B, H, W) -> (B, H, W)`: `residual * row + (1 - residual) * row @ attention`.

        Args:
            row: How much of each output token is wanted, `(B, H, W)` float64.
            residual: Share that passes by the attention; 0 for attention alone.
        """
        x = pad_to_multiple(row[..., None], self.window_size)
        padded_size = tuple(x.shape[1:3])
        x = window_partition(cyclic_shift(x, self.shift_size), self.window_size)
        x = np.swapaxes(ops.convert_to_numpy(x), 1, 2) @ self.weights
        x = window_reverse(np.swapaxes(x, 1, 2), self.window_size, padded_size)
        x = cyclic_shift(x, tuple(-shift for shift in self.shift_size))
        height, width = self.map_size
        attended = ops.convert_to_numpy(x)[:, :height, :width, 0]
        return residual * row + (1 - residual) * attended


class MergedTokens:
    """How 2 x 2 tokens became one: equal shares of those that are not padding.

    The layer itself is a linear map of the four; shares stand in for it.

    Args:
        map_size: `(H, W)` of the map before merging.
    """

    def __init__(self, map_size):
        self.map_size = tuple(map_size)

    def pull(self, row) -> np.ndarray:
        """Take a row over merged tokens to one over those that were merged.

        `(B, ceil(H / 2), ceil(W / 2)) -> (B, H, W)`.
        """
        height, width = self.map_size
        row = row / np.outer(_group_sizes(height), _group_sizes(width))
        return row.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]


def _group_sizes(side):
    """Return how many tokens there are in each pair along a side."""
    sizes = np.full(-(-side // 2), 2.0)
    if side % 2:
        sizes[-1] = 1
    return sizes


def roll_out(steps, row) -> np.ndarray:
    """Take a row from a model's last map down to its first: attention rollout.

    The row of the matrix product of all steps, each block as half residual and half
    attention. What it sums to stays what it was.

    Args:
        steps: `BlockAttention` and `MergedTokens` in the order of the data.
        row: `(B, h, w)` over the last map: all tokens alike for a mean over them,
            ones on a box or a region for a detector or a segmenter.

    Returns:
        `(B, H, W)` float64 over the tokens of the first block.

    Reference:
        Abnar and Zuidema, 2020: https://arxiv.org/abs/2005.00928
    """
    row = np.asarray(row, "float64")
    for step in reversed(steps):
        row = step.pull(row)
    return row
