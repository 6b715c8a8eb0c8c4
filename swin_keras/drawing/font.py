"""The font of what is written on pictures."""

from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

FILE = Path("mpl-data", "fonts", "ttf", "DejaVuSans.ttf")  # of matplotlib
COMMON = 0x500  # letters below it are Latin, Greek and Cyrillic, which it has
_taken: list[Path] = []  # fonts of the system that were, to be tried first


def font(size: float, texts: Iterable[str] = ()) -> ImageFont.FreeTypeFont:
    """Return a font of so many pixels to write some texts with; see `font_file`."""
    return ImageFont.truetype(font_file(texts), size)


def font_file(texts: Iterable[str] = ()) -> Path:
    """Return the file of the font that has the most letters of some texts.

    It is DejaVu Sans, which matplotlib brings along (Pillow's own font has the letters
    of ASCII alone), or one of the system's, as Chinese needs it.
    """
    letters = {letter for text in texts for letter in text if letter.isprintable()}
    return _with_most(frozenset(x for x in letters if ord(x) >= COMMON))


@lru_cache
def _with_most(letters: frozenset[str]) -> Path:
    package = Path(find_spec("matplotlib").origin).parent  # which stays unimported
    for file in (usual := package / FILE, *_taken):
        if not _lacking(file, letters):
            return file
    from matplotlib.font_manager import findSystemFonts

    files = [usual, *map(Path, sorted(findSystemFonts()))]
    best = min(files, key=lambda file: (_lacking(file, letters), _is_unusual(file)))
    if best not in _taken:
        _taken.append(best)
    return best


def _lacking(file, letters):
    """Return how many letters a font has no shape for."""
    if not letters:
        return 0
    from matplotlib.ft2font import FT2Font

    try:
        shapes = FT2Font(str(file))
    except (OSError, RuntimeError):  # a damaged file
        return len(letters)
    if not shapes.scalable:  # pictures of letters, in one size
        return len(letters)
    return sum(not shapes.get_char_index(ord(letter)) for letter in letters)


def _is_unusual(file):
    """Return whether a font's name tells of another style than sans-serif, regular."""
    name = file.stem.lower()
    return any(style in name for style in ("bold", "italic", "serif", "mono"))
