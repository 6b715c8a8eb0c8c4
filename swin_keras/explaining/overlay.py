"""A map over a picture: the picture in grey, what speaks for the class in colour."""

import numpy as np
from PIL import Image, ImageDraw

from swin_keras.explaining.regions import COLOUR, cell_at, draw_outline

SMALLEST = 224  # pixels of the shorter side, enough to look at
FAINTEST, STRONGEST = 0.15, 0.85  # how much colour covers the picture
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
COLOURS = (  # dark to light, in that order for the colour-blind, too
    (38, 12, 92),
    (140, 30, 110),
    (221, 74, 62),
    (252, 163, 38),
    (250, 250, 120),
)


def heat(values) -> np.ndarray:
    """Return the part of a map above 0, from its least to its largest, as 0..1.

    Where all of a picture speaks for a class, its colours show the differences.

    >>> heat(np.array([[-1.0, 1.0, 2.0]]))
    array([[0. , 0.5, 1. ]])
    >>> heat(np.array([[4.0, 5.0]]))
    array([[0., 1.]])
    """
    positive = np.maximum(np.asarray(values, "float64"), 0)
    positive -= positive.min()
    return positive / (positive.max() or 1)


def overlay(
    image,
    values,
    *,
    is_smooth: bool = True,
    at=None,
    target=None,
    reached=(1.0, 1.0),
) -> Image.Image:
    """Draw a map over a picture.

    Args:
        image: uint8 `(H, W, channels)`.
        values: `(h, w)`; drawn as `heat` scales it.
        is_smooth: Whether to interpolate between places; otherwise each is a tile.
        at: `(x, y)` from 0 to 1 of a place to mark by a dot on its tile, or `None`.
        target: The `ExplanationTarget` whose box or mask is outlined, or `None`.
        reached: How far the map goes, in shares of the picture's height and width:
            beyond a picture that was padded.

    Returns:
        An RGB image, at least `SMALLEST` a side.
    """
    picture = as_picture(image)
    strength = Image.fromarray(heat(values).astype("float32"))
    how = Image.Resampling.BICUBIC if is_smooth else Image.Resampling.NEAREST
    seen = (0, 0, *np.divide(strength.size, reached[::-1]))
    strength = np.clip(np.asarray(strength.resize(picture.size, how, seen)), 0, 1)
    colour = np.stack(
        [np.interp(strength, STRENGTHS, channel) for channel in np.transpose(COLOURS)],
        axis=-1,
    )
    cover = (FAINTEST + (STRONGEST - FAINTEST) * strength)[..., None]
    grey = np.asarray(picture.convert("L"), "float64")[..., None]
    drawn = Image.fromarray(
        np.round((1 - cover) * grey + cover * colour).astype("uint8")
    )
    if at is not None:
        _mark(drawn, at, np.shape(values), reached)
    return draw_outline(drawn, target) if target else drawn


def as_picture(image) -> Image.Image:
    """Return an array as an RGB picture that is large enough to look at."""
    image = np.asarray(image, "uint8")
    if image.shape[-1] not in (3, 4):
        image = image[..., 0]
    picture = Image.fromarray(image).convert("RGB")
    factor = -(-SMALLEST // min(picture.size))
    if factor > 1:  # whole pixels stay whole
        size = tuple(factor * side for side in picture.size)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    return picture


def _mark(picture, at, tiles, reached):
    """Draw a dot in the middle of the tile that a place is on."""
    y, x = (np.add(cell_at(at, tiles, reached), 0.5) / tiles) * reached
    x, y = x * picture.width, y * picture.height
    radius = max(3, min(picture.size) // 60)
    box = (x - radius, y - radius, x + radius, y + radius)
    ImageDraw.Draw(picture).ellipse(box, fill=COLOUR, outline="white", width=2)
