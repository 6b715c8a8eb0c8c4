"""A strip below a picture that says which colour is what."""

import numpy as np
from PIL import Image, ImageDraw

from swin_keras.drawing.boxes import font_for
from swin_keras.drawing.colours import colour_of
from swin_keras.names import printable

MAX_ENTRIES = 24  # entries
GROUND, INK = (24, 24, 24), (235, 235, 235)


def with_legend(picture: Image.Image, entries, room_for=()) -> Image.Image:
    """Return a picture with a legend below it, as wide as the longest entry needs.

    Args:
        picture: The picture.
        entries: `(class, text)` of each entry; of more than 24 the first.
        room_for: Texts of all entries that there could be: the result is as large for
            any of them.
    """
    texts = _shortened((colour_of(c), text) for c, text in entries)
    possible = [text for _, text in _shortened((None, text) for text in room_for)]
    shown = [text for _, text in texts]
    font = font_for(picture.size, [*shown, *possible])
    line = round(1.5 * font.size)
    places, size = _layout(shown, font, line, picture.width)
    longest = max(possible, key=font.getlength, default="")
    _, room = _layout([longest] * len(possible), font, line, picture.width)
    width, strip = np.maximum(size, room).tolist()
    result = Image.new("RGB", (width, picture.height + strip), GROUND)
    result.paste(picture, (0, 0))
    draw, side = ImageDraw.Draw(result), round(0.9 * font.size)
    for (colour, text), (left, top) in zip(texts, places, strict=True):
        middle = picture.height + top + line / 2
        square = (left, middle - side / 2, left + side, middle + side / 2)
        draw.rectangle(square, colour)
        draw.text((left + side + 4, middle), text, INK, font, anchor="lm")
    return result


def _shortened(entries):
    """Return the entries that are shown, with texts as long as they are shown."""
    entries = [(colour, printable(text)[:60]) for colour, text in entries]
    more = len(entries) - MAX_ENTRIES
    return entries[:MAX_ENTRIES] + [(GROUND, f"and {more} more")] * (more > 0)


def _layout(texts, font, line, picture_width):
    """Return where each entry begins, and the size of the strip."""
    x, y, places = 6, 4, []
    width = picture_width  # at least; a long name needs more than a small picture has
    for text in texts:
        across = line + font.getlength(text) + 8
        if x > 6 and x + across > picture_width:
            x, y = 6, y + line
        places.append((x, y))
        x += across
        width = max(width, round(x))
    return places, (width, (y + line + 4) * bool(texts))
