"""A large picture as one view shows it: windows of it, cut one at a time.

Windows come straight from the picture as it is: a whole one at ten times its sides
would take a hundred times its memory.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from swin_keras.data.geometry import Geometry, turned_size
from swin_keras.tasks.views import UPRIGHT, Turn, scaled_size


@dataclass(frozen=True)
class Shown:
    """A picture at another scale, turned.

    Args:
        image: The upright picture.
        scale: Its size, 1 its own.
        turn: How it is turned at that size.

    Example:

    >>> image = Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    >>> shown = Shown(image, turn=Turn(quarters=1))
    >>> shown.size
    (3, 2)
    >>> shown.window(0, 0, (3, 2))[..., 0].tolist()
    [[3, 6], [2, 5], [1, 4]]
    """

    image: Image.Image
    scale: float = 1.0
    turn: Turn = UPRIGHT

    @property
    def upright_size(self) -> tuple[int, int]:
        """`(height, width)` at this scale, before the turn."""
        return scaled_size(self.image.size[::-1], self.scale)

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)`."""
        return turned_size(self.upright_size, self.turn.quarters)

    def window(self, top: int, left: int, size) -> np.ndarray:
        """Return the pixels of a window, uint8 `(height, width, C)`.

        Args:
            top: Its first row.
            left: Its first column.
            size: `(height, width)`. What lies beyond the picture is black.
        """
        region = slice(top, top + size[0]), slice(left, left + size[1])
        rows, columns = self.turn.back.region(region, self.size)
        edges = columns.start, rows.start, columns.stop, rows.stop
        source, shown = self.image.size, self.upright_size[::-1]
        crop = tuple(np.multiply(edges, (*source, *source)) / (*shown, *shown))
        upright = turned_size(size, self.turn.quarters)
        return self.turn.of(Geometry(source, crop, upright).image(self.image))
