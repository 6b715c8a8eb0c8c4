"""Several views of one picture, whose probabilities are averaged pixel by pixel.

Views are the whole picture stretched to the model's input, or windows of that size
that slide over the picture; mirrored and turned ones, too; and windows at several
scales. What a detector finds in them is put together in `found_in_views`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from numbers import Real

import numpy as np
from PIL import Image

from swin_keras.data.geometry import Geometry, turned_size
from swin_keras.errors import UsageError, nearest_name
from swin_keras.scores.class_maps import mean_class_map, resized_map

WINDOWS = ("whole", "slide")
MAX_VALUES = 2**27  # probabilities of a block; there are some four copies at a time


@dataclass(frozen=True)
class Turn:
    """Pixels mirrored, then turned.

    Args:
        mirrored: Whether left and right are exchanged.
        quarters: Quarter turns, counterclockwise.

    Example:

    >>> turn = Turn(mirrored=True, quarters=1)
    >>> turn.of(np.array([[1, 2], [3, 4]])).tolist()
    [[1, 3], [2, 4]]
    >>> turn.back.of(np.array([[1, 3], [2, 4]])).tolist()
    [[1, 2], [3, 4]]
    """

    mirrored: bool = False
    quarters: int = 0

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels, or answers about them, turned: `(H, W, ...)`."""
        if self.mirrored:
            pixels = pixels[:, ::-1]
        return np.ascontiguousarray(np.rot90(pixels, self.quarters))

    @property
    def back(self) -> "Turn":
        """The turn that undoes this one."""
        return self if self.mirrored else Turn(quarters=-self.quarters % 4)


@dataclass(frozen=True)
class Views:
    """How a picture is shown to a segmenter or a detector.

    Args:
        window: "whole", the picture stretched to the model's input, as in training's
            validation; or "slide", windows of the input's size at the picture's own
            scale, which overlap by a third of a side.
        flip: Whether each view is shown mirrored, too.
        quarter_turns: Whether each is shown turned by 90, 180 and 270 degrees, too.
        scales: Sizes of the picture under sliding windows, 1 its own.

    Raises:
        UsageError: If these do not fit together.
    """

    window: str = "whole"
    flip: bool = False
    scales: Sequence[float] = (1.0,)
    quarter_turns: bool = False

    def __post_init__(self):
        if self.window not in WINDOWS:
            raise UsageError(
                f"`window` must be {' or '.join(WINDOWS)}. Received: "
                f"{self.window!r}.{nearest_name(self.window, WINDOWS)}"
            )
        scales = self.scales
        is_row = isinstance(scales, Sequence) and not isinstance(scales, str)
        if not is_row or not scales or not all(map(_is_scale, scales)):
            raise UsageError(
                "`scales` must be one or more numbers from 0.1 to 10. "
                f"Received: {scales!r}."
            )
        object.__setattr__(self, "scales", tuple(scales))
        if self.window == "whole" and self.scales != (1.0,):
            raise UsageError(
                "`scales` are for sliding windows: a whole picture is always stretched "
                f"to the model's input. Received: scales={self.scales}. "
                "Choose window='slide'."
            )

    @property
    def turns(self) -> list[Turn]:
        """How the picture is turned, at each scale."""
        mirrored = (False, True) if self.flip else (False,)
        quarters = range(4) if self.quarter_turns else (0,)
        return [Turn(*turn) for turn in product(mirrored, quarters)]

    @property
    def count(self) -> int:
        """How many views there are, where windows of one scale are one."""
        return len(self.turns) * len(self.scales)


def _is_scale(value):
    return isinstance(value, Real) and 0.1 <= value <= 10


ONE_VIEW = Views()


def class_map_in_views(
    image: Image.Image,
    views: Views,
    input_size,
    ask: Callable,
    classes: int,
    most: int = MAX_VALUES,
) -> np.ndarray:
    """Return the class of each pixel by the mean over all views: uint8 `(H, W)`.

    A picture whose probabilities would take gigabytes under sliding windows is looked
    at in blocks, which reach into each other by a third of a window.

    Args:
        image: The upright picture.
        views, input_size, ask: See `mean_probabilities`.
        classes: How many there are.
        most: Probabilities that are held of a block, at the largest scale.
    """
    size = image.size[::-1]
    if views.window == "whole":
        return mean_class_map(list(_answers(image, views, input_size, ask)), size)
    values = max(1.0, *views.scales) ** 2 * classes  # of a pixel
    reach = math.ceil(max(input_size) / 3 / min(views.scales))
    side = max(size)
    if math.prod(size) * values > most:
        side = max(*input_size, math.floor(math.sqrt(most / values)) - 2 * reach)
    result = np.empty(size, np.uint8)
    for rows, columns in product(*(blocks(length, side, reach) for length in size)):
        (top, bottom), (left, right) = rows.seen, columns.seen
        part = image.crop((left, top, right, bottom))
        means = mean_probabilities(part, views, input_size, ask)
        result[rows.kept, columns.kept] = means[rows.inner, columns.inner].argmax(-1)
    return result


@dataclass(frozen=True)
class Block:
    """A part of a side, `kept`, and the longer part around it that is looked at."""

    kept: slice
    seen: tuple[int, int]

    @property
    def inner(self) -> slice:
        """Where in the seen part the kept one is."""
        start = self.seen[0]
        return slice(self.kept.start - start, self.kept.stop - start)


def blocks(length: int, longest: int, reach: int) -> Iterator[Block]:
    """Yield equal parts of a side, `longest` at most, seen with `reach` around each.

    >>> [(block.kept, block.seen) for block in blocks(100, 60, 5)]
    [(slice(0, 50, None), (0, 55)), (slice(50, 100, None), (45, 100))]
    """
    count = math.ceil(length / longest)
    edges = [length * index // count for index in range(count + 1)]
    for start, stop in pairwise(edges):
        seen = max(0, start - reach), min(length, stop + reach)
        yield Block(slice(start, stop), seen)


def mean_probabilities(
    image: Image.Image, views: Views, input_size, ask: Callable
) -> np.ndarray:
    """Return the mean over all views: float32 `(H, W, classes)`, in the picture's size.

    Args:
        image: The upright picture.
        views: How it is shown.
        input_size: `(height, width)` of the model's input.
        ask: The model: from uint8 `(N, height, width, C)` to probabilities
            `(h, w, classes)` of each, which are resized bilinearly.
    """
    size, total = image.size[::-1], 0.0
    for answer in _answers(image, views, input_size, ask):
        total = total + resized_map(answer, size)
    return total / views.count


def _answers(image, views, input_size, ask):
    """Yield what is said of each view, turned back: `(h, w, classes)`."""
    size = image.size[::-1]
    for scale, turn in product(views.scales, views.turns):
        shown = turned_size(input_size, turn.quarters)
        if views.window == "slide":
            shown = scaled_size(size, scale)
        pixels = Geometry.whole(image.size, shown).image(image)
        yield turn.back.of(slide(turn.of(pixels), input_size, ask))


def scaled_size(size, scale: float) -> tuple[int, int]:
    """Return `(height, width)` of a picture at another scale, a pixel at least."""
    return tuple(max(1, round(side * scale)) for side in size)


def slide(pixels: np.ndarray, window, ask: Callable) -> np.ndarray:
    """Return the mean of overlapping windows: float32 `(H, W, classes)`.

    What of a window lies beyond the picture is black, and its answer is not used.

    Args:
        pixels: uint8 `(H, W, C)`.
        window: `(height, width)` of a window.
        ask: See `mean_probabilities`.
    """
    (height, width), (high, wide) = pixels.shape[:2], window
    beyond = max(high - height, 0), max(wide - width, 0)
    pixels = np.pad(pixels, ((0, beyond[0]), (0, beyond[1]), (0, 0)))
    total, counts = None, np.zeros((*pixels.shape[:2], 1), np.float32)
    for top in starts(pixels.shape[0], high):
        lefts = starts(pixels.shape[1], wide)
        row = [pixels[top : top + high, left : left + wide] for left in lefts]
        for left, answer in zip(lefts, ask(np.stack(row)), strict=True):
            if total is None:
                total = np.zeros((*pixels.shape[:2], answer.shape[-1]), np.float32)
            place = slice(top, top + high), slice(left, left + wide)
            total[place] += resized_map(answer, window)
            counts[place] += 1
    return (total / counts)[:height, :width]


def starts(length: int, window: int) -> list[int]:
    """Return where windows along a side start; they overlap by at least a third.

    >>> starts(100, 60), starts(60, 60)
    ([0, 40], [0])
    """
    stride = max(1, window * 2 // 3)
    last = length - window
    return [*range(0, last, stride), last]
