"""Four pictures in one input, so that objects come smaller and more at a time."""

from dataclasses import dataclass

import numpy as np

PICTURES = 4  # in one input
NEAREST, FARTHEST = 0.3, 0.7  # of the point where the four meet, in shares of a side


@dataclass(frozen=True)
class Tile:
    """A part of an input, and whose picture is seen there.

    Args:
        index: Which picture of the split.
        place: `(left, top)` in the input, in pixels.
        size: `(height, width)` in pixels.
    """

    index: int
    place: tuple[int, int]
    size: tuple[int, int]

    def within(self, pixels: np.ndarray) -> np.ndarray:
        """Return this part of an input `(H, W, C)`, to be written into."""
        (left, top), (height, width) = self.place, self.size
        return pixels[top : top + height, left : left + width]


def is_mosaic(augmentation, rng: np.random.Generator) -> bool:
    """Return whether an input is to be one; draws only where some are."""
    share = getattr(augmentation, "mosaic", 0)
    return share > 0 and rng.random() < share


def draw_tiles(index: int, count: int, image_size, rng: np.random.Generator):
    """Return the four tiles of an input, in any order.

    Args:
        index: A picture that is one of the four.
        count: Number of pictures, from which the others are drawn.
        image_size: `(height, width)` of the input.
        rng: Draws.
    """
    indices = rng.permutation([index, *rng.integers(count, size=3)]).tolist()
    middle = rng.uniform(NEAREST, FARTHEST, 2) * image_size
    y, x = (max(1, round(value)) for value in middle)
    height, width = image_size
    places = [(0, 0), (x, 0), (0, y), (x, y)]
    sizes = [(y, x), (y, width - x), (height - y, x), (height - y, width - x)]
    return [Tile(*parts) for parts in zip(indices, places, sizes, strict=True)]
