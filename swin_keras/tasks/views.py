"""Several views of one picture.

Views are the whole picture stretched to the model's input, or windows of that size
that slide over the picture; mirrored and turned ones, too; and windows at several
scales. What is said of them is put together in `masks_in_views`, and what is found in
`found_in_views`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Real

import numpy as np

from swin_keras.errors import UsageError, nearest_name

WINDOWS = ("whole", "slide")


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

    def region(self, region: tuple[slice, slice], size) -> tuple[slice, slice]:
        """Return where rows and columns of pixels lie after the turn.

        Args:
            region: Rows and columns before it.
            size: `(height, width)` of all pixels before it.
        """
        (rows, columns), (height, width) = region, size
        if self.mirrored:
            columns = _from_the_end(columns, width)
        for _ in range(self.quarters):
            rows, columns = _from_the_end(columns, width), rows
            height, width = width, height
        return rows, columns

    @property
    def back(self) -> "Turn":
        """The turn that undoes this one."""
        return self if self.mirrored else Turn(quarters=-self.quarters % 4)


def _from_the_end(part, length):
    return slice(length - part.stop, length - part.start)


UPRIGHT = Turn()


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
                "Look with window='slide'."
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


def scaled_size(size, scale: float) -> tuple[int, int]:
    """Return `(height, width)` of a picture at another scale, a pixel at least."""
    return tuple(max(1, round(side * scale)) for side in size)


def starts(length: int, window: int) -> list[int]:
    """Return where windows along a side start; they overlap by at least a third.

    >>> starts(100, 60), starts(60, 60)
    ([0, 40], [0])
    """
    stride = max(1, window * 2 // 3)
    last = length - window
    return [*range(0, last, stride), last]
