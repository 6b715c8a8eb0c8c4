"""The region of an answer: its share of each cell of a map, and its outline."""

import numpy as np
from PIL import Image, ImageDraw

from swin_keras.layers import PatchEmbedding

COLOUR = "#00c8ff"  # on every colour of a map


def reach(size, image_size, patch_size: int | None) -> tuple[float, float]:
    """Return how far the cells of a map go, in shares of the picture's sides.

    Sides that the stages do not divide are padded at the bottom and the right, so that
    the last cells lie partly beyond the picture.

    Args:
        size: `(h, w)` of the map.
        image_size: `(height, width)` of what the patches cut; see `patches_of`.
        patch_size: Of the model; without one, a map goes as far as the picture.

    Example:

    >>> reach((4, 4), (100, 128), patch_size=4)
    (1.28, 1.0)
    """
    return tuple(
        _reach(cells, side, patch_size) if patch_size else 1.0
        for cells, side in zip(size, image_size, strict=True)
    )


def patches_of(model):
    """Return what a model cuts into patches, and how large these are.

    Returns:
        `(height, width)` of the picture there, which the model may have resized
        itself; and the side of a patch in pixels, `None` if there are no patches.
    """
    for layer in model.layers:
        if isinstance(layer, PatchEmbedding):
            return layer.input.shape[1:3], layer.patch_size
    return (None, None), None


def cell_at(at, size, reached=(1.0, 1.0)) -> tuple[int, int]:
    """Return the row and the column of a map's cell at a place.

    Args:
        at: `(x, y)` from 0 to 1 in the picture.
        size: `(h, w)` of the map.
        reached: As `reach` gives it.
    """
    return tuple(
        min(int(place * cells / far), cells - 1)
        for place, cells, far in zip(at[::-1], size, reached, strict=True)
    )


def share_of_cells(target, size, reached=(1.0, 1.0)) -> np.ndarray:
    """Return which share of each cell a target's box or mask covers.

    Args:
        target: An `ExplanationTarget`; without box and mask it covers everything.
        size: `(h, w)` of the map.
        reached: As `reach` gives it.

    Returns:
        `(h, w)` float64, 0 to 1.
    """
    (height, width), (down, across) = size, reached
    if target.box is not None:
        x1, y1, x2, y2 = target.box
        rows = _covered(y1 / down, y2 / down, height)
        return np.outer(rows, _covered(x1 / across, x2 / across, width))
    if target.mask is None:
        return np.ones(size)
    beyond = np.rint(np.multiply(target.mask.shape, np.subtract(reached, 1)))
    padding = [(0, int(count)) for count in beyond]
    mask = Image.fromarray(np.pad(target.mask, padding).astype("float32"))
    return np.asarray(mask.resize((width, height), Image.Resampling.BOX), "float64")


def draw_outline(picture: Image.Image, target) -> Image.Image:
    """Return a copy of a picture with a target's box, or the edge of its mask."""
    drawn, width = picture.copy(), max(2, min(picture.size) // 112)
    if target.box is not None:
        corners = np.multiply(target.box, np.tile(picture.size, 2))
        box = [*corners[:2], *np.maximum(corners[2:] - 1, corners[:2])]
        ImageDraw.Draw(drawn).rectangle(box, outline=COLOUR, width=width)
    elif target.mask is not None:
        mask = Image.fromarray(target.mask).resize(picture.size)
        drawn.paste(COLOUR, mask=Image.fromarray(_rim(np.asarray(mask), width)))
    return drawn


def _reach(cells, side, patch_size):
    stride = patch_size
    while stride < side and -(-side // stride) > cells:
        stride *= 2
    return cells * stride / side if -(-side // stride) == cells else 1.0


def _covered(low, high, count):
    """Return how much of each of `count` equal parts of 0..1 is between two places."""
    starts = np.arange(count)
    ends = np.minimum(high * count, starts + 1)
    return (ends - np.maximum(low * count, starts)).clip(0)


def _rim(mask, width):
    """Mark what of a mask is within a distance of its outside, bool `(H, W)`."""
    inner = np.pad(mask, width)
    for axis in (0, 1):
        moved = [np.roll(inner, by, axis) for by in range(-width, width + 1)]
        inner = np.logical_and.reduce(moved)
    return mask & ~inner[width:-width, width:-width]
