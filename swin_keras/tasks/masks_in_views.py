"""The class of each pixel of a picture, by several views of it.

Probabilities of a large picture in its own size take gigabytes. Sliding windows are
therefore asked about one part of the picture after another: the same windows, of which
those at the border of two parts are asked twice.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise, product

import numpy as np
from PIL import Image

from swin_keras.data.geometry import Geometry, turned_size
from swin_keras.scores.class_maps import (
    mean_class_map,
    resized_map,
    resized_part,
    source_of,
)
from swin_keras.tasks.shown import Shown
from swin_keras.tasks.views import Views, starts

MAX_VALUES = 2**28  # probabilities of a part; there are up to three copies at a time


def class_map_in_views(
    image: Image.Image,
    views: Views,
    input_size,
    ask: Callable,
    classes: int,
    most: int = MAX_VALUES,
) -> np.ndarray:
    """Return the class of each pixel by the mean over all views: uint8 `(H, W)`.

    Args:
        image: The upright picture.
        views: How it is shown.
        input_size: `(height, width)` of the model's input.
        ask: The model: from uint8 `(N, height, width, C)` to probabilities
            `(h, w, classes)` of each, which are resized bilinearly.
        classes: How many there are.
        most: Probabilities that are held of a part of the picture. The result does
            not depend on it.
    """
    size = image.size[::-1]
    if views.window == "whole":
        maps = [_of_the_whole(image, turn, input_size, ask) for turn in views.turns]
        return mean_class_map(maps, size)
    result = np.empty(size, np.uint8)
    pixels = int(most / classes / max(1, *views.scales) ** 2)
    for part in parts(size, pixels):
        means = mean_of_windows(image, views, input_size, ask, part)
        result[part] = means.argmax(-1)
    return result


def parts(size, pixels: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of equal parts of a picture, `pixels` large at most.

    >>> [columns for _, columns in parts((40, 100), 1600)]
    [slice(0, 33, None), slice(33, 66, None), slice(66, 100, None)]
    """
    side = max(size) if math.prod(size) <= pixels else max(1, math.isqrt(pixels))
    return product(*(_cuts(length, math.ceil(length / side)) for length in size))


def _cuts(length, count):
    edges = [length * index // count for index in range(count + 1)]
    return [slice(*pair) for pair in pairwise(edges)]


def _of_the_whole(image, turn, input_size, ask):
    """Return what is said of the stretched picture, turned back: `(h, w, classes)`."""
    shown = turned_size(input_size, turn.quarters)
    pixels = Geometry.whole(image.size, shown).image(image)
    (answer,) = ask(turn.of(pixels)[None])
    return turn.back.of(answer)


def mean_of_windows(
    image: Image.Image, views: Views, input_size, ask: Callable, part
) -> np.ndarray:
    """Return the mean over all sliding windows: float32 `(H, W, classes)` of a part.

    Args:
        image, views, input_size, ask: See `class_map_in_views`.
        part: Rows and columns of the picture.
    """
    size, total = image.size[::-1], None
    for scale, turn in product(views.scales, views.turns):
        shown = Shown(image, scale, turn)
        upright = shown.upright_size
        source = tuple(map(source_of, part, size, upright))
        said = slide(shown, input_size, ask, turn.region(source, upright))
        answer = resized_part(turn.back.of(said), upright, size, part)
        total = answer if total is None else np.add(total, answer, out=total)
    total /= views.count
    return total


def slide(shown: Shown, window, ask: Callable, region) -> np.ndarray:
    """Return the mean of overlapping windows: float32 `(H, W, classes)` of a region.

    What of a window lies beyond the picture is black, and its answer is not used.

    Args:
        shown: The whole picture, at some scale and turned.
        window: `(height, width)` of a window.
        ask: See `class_map_in_views`.
        region: Rows and columns of the shown picture.
    """
    (rows, columns), (high, wide), (height, width) = region, window, shown.size
    tops = _touching(rows, starts(max(height, high), high), high)
    lefts = _touching(columns, starts(max(width, wide), wide), wide)
    size = rows.stop - rows.start, columns.stop - columns.start
    total, counts = None, np.zeros((*size, 1), np.float32)
    for top, down, from_top in tops:
        row = [shown.window(top, left, window) for left, _, _ in lefts]
        answers = zip(lefts, ask(np.stack(row)), strict=True)
        for (_, right, from_left), answer in answers:
            if total is None:
                total = np.zeros((*size, answer.shape[-1]), np.float32)
            total[down, right] += resized_map(answer, window)[from_top, from_left]
            counts[down, right] += 1
    total /= counts
    return total


def _touching(part, starts, length):
    """Return the windows along a side that a part of it touches.

    Returns:
        Of each, its start, which pixels of the part it shows, and which of its own
        pixels these are.
    """
    found = []
    for start in starts:
        first, last = max(start, part.start), min(start + length, part.stop)
        if first < last:
            inside = slice(first - part.start, last - part.start)
            found.append((start, inside, slice(first - start, last - start)))
    return found
