"""Windows over a feature map: cut, put back, shift, and who may attend to whom.

What cuts or shifts a map is a tensor function (`keras.ops`); indices and masks
are NumPy, and run once, when a layer is built.
"""

import numpy as np
from keras import ops

from swin_keras.errors import UsageError
from swin_keras.layers.map_size import as_pair, known_size

MAX_PAIRS = 2**28  # of tokens in a mask: 1 GB
MASKED = -100.0  # the published value: finite in float16, exp(-100) is 0 in float32


def window_partition(x, window_size):
    """Cut a feature map into windows that do not overlap.

    `(B, H, W, C) -> (B * num_windows, N, C)` with `N` tokens in a window and
    `num_windows = (H // window_height) * (W // window_width)`.

    Windows come out image by image, and within an image row by row from the
    top left; so do the tokens within a window. `window_reverse` undoes it.

    Args:
        x: Feature map of shape `(B, H, W, C)`. `H`, `W` and `C` must be known
            when the model is built; `B` may be `None`.
        window_size: Side of a window in tokens, or `(height, width)`. Must
            divide `H` and `W`.

    Returns:
        Windows of shape `(B * num_windows, N, C)`.

    Raises:
        ValueError: If `H` or `W` is not known, or `window_size` does not divide both.

    Example:

    >>> x = ops.reshape(ops.arange(16), (1, 4, 4, 1))
    >>> windows = window_partition(x, window_size=2)
    >>> tuple(windows.shape)
    (4, 4, 1)
    >>> ops.convert_to_numpy(windows)[0, :, 0]  # top-left window
    array([0, 1, 4, 5], dtype=int32)

    Reference:
        Liu et al., 2021, section 3.2: https://arxiv.org/abs/2103.14030
    """
    window_height, window_width = as_pair(window_size)
    height, width = known_size(x.shape)
    channels = x.shape[-1]
    _check_divides(window_size, height, width)
    # Rows of windows already lie together in memory, so a transpose of four axes
    # is enough: swap "row within a window" with "window along the width".
    windows_across = width // window_width
    x = ops.reshape(x, (-1, window_height, windows_across, window_width * channels))
    x = ops.transpose(x, (0, 2, 1, 3))
    return ops.reshape(x, (-1, window_height * window_width, channels))


def window_reverse(windows, window_size, map_size):
    """Put windows back in their places: the inverse of `window_partition`.

    `(B * num_windows, N, C) -> (B, H, W, C)`.

    Args:
        windows: Windows of shape `(B * num_windows, N, C)`.
        window_size: Side of a window in tokens, or `(height, width)`.
        map_size: `(H, W)` of the feature map, multiples of the window's.

    Returns:
        Feature map of shape `(B, H, W, C)`.

    Raises:
        ValueError: If `window_size` does not divide both `H` and `W`, or these are no
            windows of its tokens, or none of whole maps.
    """
    window_height, window_width = as_pair(window_size)
    height, width = map_size
    _check_divides(window_size, height, width)
    count, tokens, channels = windows.shape
    in_map = (height // window_height) * (width // window_width)
    is_whole = not isinstance(count, int) or count % in_map == 0
    if tokens != window_height * window_width or not is_whole:
        raise ValueError(
            "There must be windows of all tokens of `window_size`, and as many as fill "
            f"maps of `map_size`. Received: windows of shape {tuple(windows.shape)}, "
            f"window_size={window_size}, map_size={tuple(map_size)}."
        )
    x = ops.reshape(
        windows, (-1, width // window_width, window_height, window_width * channels)
    )
    x = ops.transpose(x, (0, 2, 1, 3))
    return ops.reshape(x, (-1, height, width, channels))


def _check_divides(window_size, height, width):
    window_height, window_width = as_pair(window_size)
    if height % window_height or width % window_width:
        raise ValueError(
            "`window_size` must divide the height and width of the feature map. "
            f"Received: window_size={window_size}, height={height}, width={width}."
        )


def cyclic_shift(x, shift_size, training=False):
    """Roll a feature map towards the top left; what falls off comes in opposite.

    `(B, H, W, C) -> (B, H, W, C)`. Equal to `ops.roll(x, (-dy, -dx), (1, 2))`,
    written as slice and concatenate, which every mobile delegate runs.

    Args:
        x: Feature map of shape `(B, H, W, C)`.
        shift_size: Tokens to shift by, one number or `(dy, dx)`; negative
            numbers shift back.
        training: Whether gradients will be wanted. Then the map is split, not
            sliced: a split's gradient is one concatenation, that of each slice a
            map of zeros to add.

    Returns:
        Feature map of the same shape.
    """
    down, right = (
        shift % side if side else shift  # as far as a side is known
        for shift, side in zip(as_pair(shift_size), x.shape[1:3], strict=True)
    )
    if training:
        for axis, tokens in ((1, down), (2, right)):
            if tokens:
                parts = ops.split(x, [tokens], axis)
                x = ops.concatenate(parts[::-1], axis)
        return x
    if down:
        x = ops.concatenate([x[:, down:], x[:, :down]], axis=1)
    if right:
        x = ops.concatenate([x[:, :, right:], x[:, :, :right]], axis=2)
    return x


WINDOW_FITS = ("side", "map")


def fit_window(map_size, window_size, shift_size, window_fit="side"):
    """Fit a window and its shift to a feature map.

    Where the map is no larger than the window, the window becomes the map's
    side and nothing is shifted, since one window already sees everything.
    This is the one place where sizes are adjusted for the user.

    Others fit otherwise, which matters where a map has one side beyond the window
    and one within: timm and torchvision fit side by side, as here; in the official
    code and Hugging Face's the shorter side decides for both.

    Args:
        map_size: `(H, W)` of the feature map in tokens.
        window_size: Wanted window, one number or `(height, width)`.
        shift_size: Wanted shift, one number or `(dy, dx)`.
        window_fit: `"side"`: each side is fitted for itself. `"map"`: if the shorter
            side is no larger than the window, the window becomes a square of it, and
            nothing is shifted.

    Returns:
        `(window_size, shift_size)`, each as a pair.

    >>> fit_window((56, 56), window_size=7, shift_size=3)
    ((7, 7), (3, 3))
    >>> fit_window((4, 16), window_size=7, shift_size=3)
    ((4, 7), (0, 3))
    >>> fit_window((4, 16), window_size=7, shift_size=3, window_fit="map")
    ((4, 4), (0, 0))
    """
    if window_fit not in WINDOW_FITS:
        raise ValueError(
            f"`window_fit` must be one of {WINDOW_FITS}. Received: {window_fit!r}."
        )
    shorter = min(map_size)
    if window_fit == "map" and shorter <= max(as_pair(window_size)):
        height, width = as_pair(window_size)
        return (min(height, shorter), min(width, shorter)), (0, 0)
    sides = zip(map_size, as_pair(window_size), as_pair(shift_size), strict=True)
    fitted = [
        (side, 0) if side <= window else (window, shift)
        for side, window, shift in sides
    ]
    (window_height, down), (window_width, right) = fitted
    return (window_height, window_width), (down, right)


def relative_position_index(window_size) -> np.ndarray:
    """Return, for each pair of tokens in a window, its row in the bias table.

    Row `(dy + h - 1) * (2w - 1) + dx + w - 1` holds the bias of a query that
    lies `dy` below and `dx` right of its key, as in the published weights.

    Args:
        window_size: Side of a window in tokens, or `(height, width)`.

    Returns:
        Integer array `(N, N)`, query by key, with values in
        `[0, (2h - 1) * (2w - 1))`.

    >>> relative_position_index((1, 3))
    array([[2, 1, 0],
           [3, 2, 1],
           [4, 3, 2]])
    """
    height, width = as_pair(window_size)
    _check_pairs((height * width) ** 2, window_size)
    rows, columns = np.divmod(np.arange(height * width), width)
    down = rows[:, None] - rows[None, :] + height - 1
    right = columns[:, None] - columns[None, :] + width - 1
    return down * (2 * width - 1) + right


def shifted_window_mask(map_size, window_size, shift_size, *, mask_padding=True):
    """Make the mask of W-MSA or SW-MSA: 0 where two tokens may attend, else -100.

    Tokens may attend when they share a window after the cyclic shift and were
    not brought together only by wrapping around an edge. A map that windows do
    not divide is padded at the bottom and right, then shifted, then cut; with
    `mask_padding` no token of the map attends to a padding token, wherever the
    shift has moved it.

    Args:
        map_size: `(H, W)` of the map in tokens, before padding.
        window_size: Side of a window in tokens, or `(height, width)`.
        shift_size: Shift in tokens, one number or `(dy, dx)`.
        mask_padding: Whether padding is masked. `False` gives the numbers of
            torchvision, Hugging Face and the published detection code.

    Returns:
        Float array `(num_windows, N, N)`, or `None` if nothing is masked.

    Raises:
        ValueError: If the shift is negative, or not smaller than the window.
    """
    check_shift(window_size, shift_size)
    window_height, window_width = as_pair(window_size)
    down, right = as_pair(shift_size)
    _check_pairs(max(map_size), window_size)
    rows = _regions(map_size[0], window_height, down, mask_padding)
    columns = _regions(map_size[1], window_width, right, mask_padding)
    if not rows.any() and not columns.any():
        return None
    pairs = len(rows) * len(columns) * window_height * window_width
    _check_pairs(pairs, window_size)
    regions = rows[:, None] * 3 + columns[None, :]
    regions = (
        regions.reshape(len(rows) // window_height, window_height, -1, window_width)
        .swapaxes(1, 2)
        .reshape(-1, window_height * window_width)
    )
    apart = regions[:, :, None] != regions[:, None, :]
    return np.where(apart, np.float32(MASKED), np.float32(0))


def check_shift(window_size, shift_size):
    """Refuse a shift by which windows would not move to between their neighbours.

    Raises:
        ValueError: If it is negative, or not smaller than the window.
    """
    shifts = zip(as_pair(window_size), as_pair(shift_size), strict=True)
    if any(not 0 <= shift < window for window, shift in shifts):
        raise ValueError(
            "`shift_size` must be at least 0 and smaller than `window_size`. "
            f"Received: window_size={window_size}, shift_size={shift_size}."
        )


def _check_pairs(count, window_size):
    """Refuse to list more pairs of tokens than memory has room for.

    Raises:
        UsageError: If they are too many.
    """
    if count > MAX_PAIRS:
        raise UsageError(
            f"Windows must hold at most {MAX_PAIRS:,} pairs of tokens in all, which "
            f"masks list. Received: {count:,}, with window_size={window_size}. Use "
            "smaller windows or smaller images."
        )


def _regions(side, window, shift, mask_padding):
    """Number the stretches of one axis that may not mix, after pad and shift.

    0 is the map itself, 1 what wrapped around, 2 padding.
    """
    padded = -(-side // window) * window
    regions = np.zeros(padded, int)
    regions[:shift] = 1
    if mask_padding:
        regions[side:] = 2
    return np.roll(regions, -shift)
