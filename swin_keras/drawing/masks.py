"""Draw the classes of pixels over a picture, and write them as files."""

import numpy as np
from PIL import Image

from swin_keras.drawing.colours import colour_of
from swin_keras.drawing.legend import with_legend
from swin_keras.masks import IGNORED

EDGE = 0.45  # how bright a pixel at the edge of a class is beside one within


def draw_mask(
    picture: Image.Image,
    mask,
    names=None,
    *,
    opacity: float = 0.55,
    hidden=("background",),
    legend: bool = True,
    is_frame: bool = False,
) -> Image.Image:
    """Return a copy of a picture with each class in its colour, edges darker.

    Args:
        picture: The upright picture.
        mask: Class of each pixel, uint8 `(height, width)`, 255 where it is ignored;
            of another size, it is stretched over the picture.
        names: Names of the classes, for the legend.
        opacity: How much of the colour is seen, 0..1.
        hidden: Names of classes that are left as they are.
        legend: Whether the classes stand below, each with its share of the picture.
        is_frame: Whether the legend has room for all classes, so that the results of
            all frames of a video are of one size.
    """
    picture = picture.convert("RGB")
    mask = np.asarray(mask, np.uint8)
    if mask.shape != picture.size[::-1]:
        nearest = Image.Resampling.NEAREST
        mask = np.asarray(Image.fromarray(mask).resize(picture.size, nearest))
    is_hidden = np.zeros(256, bool)
    is_hidden[IGNORED] = True
    for class_id, name in enumerate(names or ()):
        is_hidden[class_id] = name in hidden
    pixels = np.asarray(picture, np.float32)
    colours = palette().astype(np.float32)[mask]
    colours[_edges(mask)] *= EDGE
    mixed = pixels + opacity * (colours - pixels)
    mixed[is_hidden[mask]] = pixels[is_hidden[mask]]
    result = Image.fromarray(mixed.round().astype(np.uint8))
    if not (legend and names):
        return result
    pixels_of = np.bincount(mask.ravel(), minlength=256)
    present = [c for c in np.argsort(-pixels_of, kind="stable") if pixels_of[c]]
    entries = [
        (c, f"{names[c]} {pixels_of[c] / mask.size:.0%}")
        for c in present
        if not is_hidden[c] and c < len(names)
    ]
    shown = [name for c, name in enumerate(names) if not is_hidden[c]]
    room_for = [f"{name} {1:.0%}" for name in shown] if is_frame else ()
    return with_legend(result, entries, room_for)


def save_mask(mask, path, names=(), hidden=("background",)):
    """Write a mask as a PNG of class ids, whose palette shows them in colours.

    Args:
        mask: Class of each pixel, uint8 `(height, width)`.
        path: The file, or an open one.
        names: Names of the classes.
        hidden: Names of classes that are shown in black.
    """
    colours = palette()
    colours[[class_id for class_id, name in enumerate(names) if name in hidden]] = 0
    image = Image.fromarray(np.asarray(mask, np.uint8)).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette(colours.tobytes())
    image.save(path, "PNG", optimize=True)


def mask_areas(mask, names) -> dict:
    """Return how much of a picture each class has, ready for JSON.

    Args:
        mask: Class of each pixel, uint8 `(height, width)`, 255 where it is ignored.
        names: Names of the classes.

    Returns:
        "width", "height", "ignored" in pixels, and "classes": those that occur, the
        largest first, each with its "name", "class", "pixels" and "share".
    """
    mask = np.asarray(mask, np.uint8)
    pixels = np.bincount(mask.ravel(), minlength=256)
    present = [c for c in np.argsort(-pixels, kind="stable") if pixels[c]]
    return {
        "width": mask.shape[1],
        "height": mask.shape[0],
        "ignored": int(pixels[IGNORED]),
        "classes": [
            {
                "name": names[c],
                "class": int(c),
                "pixels": int(pixels[c]),
                "share": float(pixels[c] / mask.size),
            }
            for c in present
            if c != IGNORED
        ],
    }


def palette() -> np.ndarray:
    """Return the colour of each class, uint8 `(256, 3)`; white for what is ignored."""
    colours = [colour_of(class_id) for class_id in range(255)]
    return np.array([*colours, (255, 255, 255)], np.uint8)


def _edges(mask) -> np.ndarray:
    """Return which pixels touch another class to the right or below, bool `(H, W)`."""
    edges = np.zeros(mask.shape, bool)
    edges[:, :-1] |= mask[:, 1:] != mask[:, :-1]
    edges[:-1] |= mask[1:] != mask[:-1]
    return edges
