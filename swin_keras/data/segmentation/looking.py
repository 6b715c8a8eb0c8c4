"""Look at every picture and every mask of a folder once, before anything is trained."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from swin_keras.cores import usable_cores
from swin_keras.data.boxes.looking import header
from swin_keras.data.decoding_memory import give_back_pixels
from swin_keras.data.image_file import (
    ImageError,
    without_pillow_warnings,
)
from swin_keras.data.image_io import UPRIGHT
from swin_keras.data.inspection import Look, look_at_header, look_into
from swin_keras.data.segmentation.mask_file import (
    VALUES,
    Meaning,
    open_mask,
    values_of,
)
from swin_keras.data.segmentation.pairs import Pairs
from swin_keras.data.segmentation.palettes import Palette, palette_of


@dataclass(frozen=True)
class PairLook:
    """What there is to know about a picture and its mask.

    Args:
        problems: `(path, what is wrong)`.
        image: What was found of the picture.
        counts: Pixels of each value of the mask, or of each class where colours
            stand for them, `(256,)`.
        size: `(width, height)` of the mask.
        palette: The colours that its values have in the file, if any.
        orientation: How the mask must be turned, which was made for the picture as
            it is stored; 1 for not at all.
    """

    problems: tuple[tuple[str, str], ...] = ()
    image: Look = field(default_factory=Look)
    counts: np.ndarray | None = None
    size: tuple[int, int] = (0, 0)
    palette: Palette | None = None
    orientation: int = 1


def look_at_pairs(
    pairs: Pairs,
    table,
    *,
    decode: bool,
    grey_range=None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, PairLook]:
    """Return picture -> what was found of it and of its mask, which is decoded.

    Args:
        pairs: Which pictures and masks.
        table: Names and colours of the classes, or `None`.
        decode: Whether to decode the pictures, too.
        grey_range: What pictures will be read with.
        progress: Called with `(done, total)` after each pair.
    """
    give_back_pixels()
    both = [pair for split in pairs.splits.values() for pair in split.items()]
    look, looks = look_into if decode else look_at_header, {}

    def look_at(pair):
        image, mask = pair
        return _look(pairs.root, image, mask, table, look, grey_range)

    with without_pillow_warnings(), ThreadPoolExecutor(usable_cores()) as pool:
        for (image, _), found in zip(both, pool.map(look_at, both), strict=True):
            looks[image] = found
            if progress:
                progress(len(looks), len(both))
    return looks


def _look(root, image, mask, table, look, grey_range):
    seen = look(str(root / image), grey_range)
    problems = [(image, seen.reason)] if seen.reason else []
    try:
        counts, size, palette = count_values(str(root / mask), table)
    except ImageError as error:
        return PairLook((*problems, (mask, error.reason)), seen)
    found = PairLook(tuple(problems), seen, counts, size, palette)
    return found if problems else _fitted(found, root, image, mask)


def _fitted(found, root, image, mask):
    """Return a look that says how the mask fits its picture."""
    stored, turn = found.image.size, found.image.orientation
    if found.image.orientation == 1:  # a header alone does not tell
        turn = header(str(root / image)).orientation
    upright = stored[::-1] if turn >= 5 else stored
    if found.size == upright:
        return found
    if found.size == stored and turn in UPRIGHT:
        return replace(found, orientation=turn)
    (width, height), (across, down) = found.size, upright
    detail = f"has {width} x {height} pixels, its image {across} x {down}"
    return replace(found, problems=((mask, detail),))


def count_values(file: str, table):
    """Return pixels of each value or class of a mask, `(256,)`, its size and palette.

    Raises:
        ImageError: If it cannot be read, or holds colours that no table has.
    """
    has_colours = table is not None and table.colours
    if has_colours:
        values = Meaning(len(table.class_names), table).read(file)
    else:
        image = open_mask(file)
        values = values_of(image, file)
    counts = np.bincount(values.ravel(), minlength=VALUES)
    palette = None if has_colours else palette_of(image, counts)
    return counts, values.shape[::-1], palette
