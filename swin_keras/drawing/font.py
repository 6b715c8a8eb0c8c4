"""The font of what is written on pictures."""

from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

FILE = Path("mpl-data", "fonts", "ttf", "DejaVuSans.ttf")  # of matplotlib


def font(size: float) -> ImageFont.FreeTypeFont:
    """Return a font of so many pixels, with Latin, Greek and Cyrillic letters.

    That of Pillow has those of ASCII alone.
    """
    package = Path(find_spec("matplotlib").origin).parent  # which stays unimported
    return ImageFont.truetype(package / FILE, size)
