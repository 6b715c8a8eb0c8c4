"""One colour for each class, far from those of its neighbours."""

import colorsys

FIRST = (  # bright on dark and on light pictures, far apart for the colour-blind, too
    (255, 59, 48),
    (0, 158, 255),
    (255, 204, 0),
    (0, 200, 110),
    (214, 80, 255),
    (255, 140, 0),
    (0, 220, 220),
    (255, 105, 180),
    (160, 220, 40),
    (120, 110, 255),
    (200, 140, 90),
    (150, 200, 255),
)
GOLDEN = 0.618034  # steps of it around a circle never meet


def colour_of(index: int) -> tuple[int, int, int]:
    """Return the colour of a class as red, green and blue, 0..255.

    >>> colour_of(0)
    (255, 59, 48)
    """
    index = int(index)
    if 0 <= index < len(FIRST):
        return FIRST[index]
    saturation, value = ((0.9, 1.0), (0.55, 1.0), (0.9, 0.75))[index % 3]
    rgb = colorsys.hsv_to_rgb(index * GOLDEN % 1, saturation, value)
    return tuple(round(255 * part) for part in rgb)


def text_on(colour) -> str:
    """Return "black" or "white", whichever is easier to read on a colour."""
    red, green, blue = colour
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"
