"""Objects of a large picture, found in overlapping tiles of the input's size."""

from itertools import product

import numpy as np

from swin_keras.data.geometry import Geometry, area
from swin_keras.scores.detection_result import FoundObjects
from swin_keras.tasks.found_objects import found_through
from swin_keras.tasks.shown import Shown
from swin_keras.tasks.views import starts

OVERLAP = 0.6  # of two boxes of a class, above which the less certain goes
EDGE = 2  # pixels from a tile's edge within which a box is taken to be cut by it
INSIDE = 0.5  # of a cut box in a whole one of its class, above which it goes
MAX_BOXES = 2000  # boxes of a picture


def found_in_tiles(shown: Shown, predictor, batch_size: int):
    """Return what both branches found in a shown picture, in its pixels.

    Tiles of the model's input slide over it and overlap by a third of a side at least;
    see `starts`. What lies beyond the picture is black.

    Args:
        shown: The picture, at some scale and turned.
        predictor: The `Predictor` of the model.
        batch_size: Tiles that are run together.

    Returns:
        As `found_in`.
    """
    high, wide, _ = predictor.input_shape
    (height, width), found = shown.size, []
    corners = [
        *product(starts(max(height, high), high), starts(max(width, wide), wide))
    ]
    tiles = [
        Geometry((width, height), (left, top, left + wide, top + high), (high, wide))
        for top, left in corners
    ]
    for start in range(0, len(tiles), batch_size):
        some = slice(start, start + batch_size)
        pixels = [shown.window(*corner, (high, wide)) for corner in corners[some]]
        outputs = predictor.outputs(np.stack(pixels))
        for row, tile in enumerate(tiles[some]):
            one = {name: values[row] for name, values in outputs.items()}
            found.append(found_through(one, predictor, tile))
    branches = zip(*found, strict=True)
    return tuple(None if b[0] is None else merged(b, tiles) for b in branches)


def merged(found, tiles) -> FoundObjects:
    """Return the objects of all tiles, each once, the most certain first.

    A box that a tile's edge cuts goes if a whole one of its class holds half of it;
    of those left, no two of a class overlap more than `OVERLAP`.

    Args:
        found: `FoundObjects` of each tile, in pixels of the picture.
        tiles: The `Geometry` of each.
    """
    from swin_keras.detection.decoding import keep_apart

    boxes = np.concatenate([one.boxes for one in found])
    classes = np.concatenate([one.classes for one in found])
    scores = np.concatenate([one.scores for one in found])
    pairs = zip(found, tiles, strict=True)
    is_cut = np.concatenate([_is_cut(one.boxes, tile) for one, tile in pairs])
    whole = np.flatnonzero(~is_cut)
    left = [
        place
        for place in np.flatnonzero(is_cut)
        if not _is_part(boxes[place], boxes[whole[classes[whole] == classes[place]]])
    ]
    order = np.concatenate([whole, np.array(left, int)])
    order = order[np.argsort(-scores[order], kind="stable")]
    order = order[keep_apart(boxes[order], classes[order], OVERLAP, MAX_BOXES)]
    return FoundObjects(boxes[order], classes[order], scores[order])


def _is_cut(boxes, tile):
    """Return which boxes reach an edge of a tile that is not the picture's."""
    width, height = tile.source
    left, top, right, bottom = tile.crop
    x1, y1, x2, y2 = boxes.T
    return (
        ((x1 < left + EDGE) & (left > 0))
        | ((y1 < top + EDGE) & (top > 0))
        | ((x2 > right - EDGE) & (right < width))
        | ((y2 > bottom - EDGE) & (bottom < height))
    )


def _is_part(box, others):
    shared = np.concatenate(
        [np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])], 1
    )
    return bool((area(shared.clip(0)) > INSIDE * area(box[None])).any())
