"""Tell masks whose indices stand for other colours in each file.

What reduces the colours of a mask, or saves it as GIF, may number those of each file
anew. Then the colours are the classes, and not the indices.
"""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from swin_keras.errors import DataError
from swin_keras.masks import IGNORED
from swin_keras.names import printable


@dataclass(frozen=True)
class Palette:
    """The colours of those indices that a mask uses.

    Args:
        used: Index -> red, green and blue; without `IGNORED`.
        is_grey: Whether the palette holds greys only, which `values_of` judges file by
            file: steps from black to white depend on their number.
    """

    used: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    is_grey: bool = False


def palette_of(image: Image.Image, counts: np.ndarray) -> Palette | None:
    """Return the palette of a mask, or `None` if its indices are the greys they show.

    Args:
        image: The mask, as `open_mask` returns it.
        counts: Pixels of each index, `(256,)`.
    """
    if image.mode not in ("P", "PA"):
        return None
    colours = np.reshape(image.getpalette() or (0, 0, 0), (-1, 3))
    is_grey = bool((colours == colours[:, :1]).all())
    is_plain = is_grey and (colours[:, 0] == np.arange(len(colours))).all()
    if is_plain and len(colours) > 1:  # black alone is any palette's
        return None
    indices = counts[: len(colours)].nonzero()[0].tolist()
    used = {i: tuple(colours[i].tolist()) for i in indices if i != IGNORED}
    return Palette(used, is_grey)


def check_palettes(palettes: dict[str, Palette | None], where):
    """Refuse masks where an index has one colour in a file and another in the next.

    Args:
        palettes: Mask -> its palette.
        where: The folder or data set, for the message.

    Raises:
        DataError: That names two such masks, and what to do.
    """
    known = {}  # index -> its colour, and the first mask that shows it
    found = [(mask, palette) for mask, palette in palettes.items() if palette]
    for mask, palette in sorted(found, key=lambda pair: pair[1].is_grey):
        for index, colour in palette.used.items():
            if not palette.is_grey:
                known.setdefault(index, (colour, mask))
            first_colour, first = known.get(index, (colour, mask))
            if colour != first_colour:
                raise DataError(
                    f"The masks in {printable(where)} must share one palette, for "
                    f"indices to be classes. Received: index {index} is "
                    f"{_listed(first_colour)} in {printable(first)} and "
                    f"{_listed(colour)} in {printable(mask)}. If the colours are the "
                    "classes, name them in a classes.csv beside the masks, in rows of "
                    "name,r,g,b; if the indices are, write these without a palette "
                    "(mode L in Pillow)."
                )


def _listed(colour) -> str:
    return ",".join(map(str, colour))
