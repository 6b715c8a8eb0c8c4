"""The region of an answer: its share of each cell of a map, and its outline."""

import numpy as np
from PIL import Image, ImageDraw

COLOUR = "#00c8ff"  # on every colour of a map


def share_of_cells(target, size) -> np.ndarray:
    """Return which share of each cell a target's box or mask covers.

    Args:
        target: An `ExplanationTarget`; without box and mask it covers everything.
        size: `(h, w)` of the map.

    Returns:
        `(h, w)` float64, 0 to 1.
    """
    height, width = size
    if target.box is not None:
        x1, y1, x2, y2 = target.box
        return np.outer(_covered(y1, y2, height), _covered(x1, x2, width))
    if target.mask is None:
        return np.ones(size)
    mask = Image.fromarray(target.mask.astype("float32"))
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
