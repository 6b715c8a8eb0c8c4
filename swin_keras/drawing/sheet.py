"""Many pictures on one sheet."""

import math

from PIL import Image, ImageDraw

from swin_keras.drawing.boxes import font_for
from swin_keras.drawing.legend import GROUND, INK
from swin_keras.names import printable

GAP = 6


def draw_sheet(pictures, titles=None, *, cell: int = 320, columns: int | None = None):
    """Return pictures in rows, each as large as its cell allows, titles below them.

    Args:
        pictures: Pillow images.
        titles: A line of text for each.
        cell: Side of a cell in pixels.
        columns: Pictures in a row. Defaults to about as many as there are rows.
    """
    pictures = list(pictures)
    titles = [""] * len(pictures) if titles is None else list(map(printable, titles))
    columns = columns or max(1, math.ceil(math.sqrt(len(pictures))))
    rows = math.ceil(len(pictures) / columns)
    font = font_for((cell, cell), titles)
    line = round(1.5 * font.size) if any(titles) else 0
    step, down = cell + GAP, cell + line + GAP
    sheet = Image.new("RGB", (columns * step + GAP, rows * down + GAP), GROUND)
    draw = ImageDraw.Draw(sheet)
    for place, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        x, y = GAP + place % columns * step, GAP + place // columns * down
        shown = picture.copy()
        shown.thumbnail((cell, cell), Image.Resampling.LANCZOS)
        left, top = ((cell - side) // 2 for side in shown.size)
        sheet.paste(shown, (x + left, y + top))
        while title and font.getlength(title) > cell:
            title = title[:-4] + "..." if len(title) > 4 else ""
        draw.text((x, y + cell + line / 2), title, INK, font, anchor="lm")
    return sheet
