"""A strip below a picture that says which colour is what."""

from PIL import Image, ImageDraw

from swin_keras.drawing.boxes import font_for
from swin_keras.drawing.colours import colour_of
from swin_keras.names import printable

MAX_ENTRIES = 24  # entries
GROUND, INK = (24, 24, 24), (235, 235, 235)


def with_legend(picture: Image.Image, entries) -> Image.Image:
    """Return a picture with a legend below it, as wide as the longest entry needs.

    Args:
        picture: The picture.
        entries: `(class, text)` of each entry; of more than 24 the first.
    """
    entries = list(entries)
    more = len(entries) - MAX_ENTRIES
    texts = [(colour_of(c), printable(text)[:60]) for c, text in entries[:MAX_ENTRIES]]
    texts += [(GROUND, f"and {more} more")] * (more > 0)
    font = font_for(picture.size)
    line, x, y, places = round(1.5 * font.size), 6, 4, []
    width = picture.width  # at least; a long name needs more than a small picture has
    for _, text in texts:
        across = line + font.getlength(text) + 8
        if x > 6 and x + across > picture.width:
            x, y = 6, y + line
        places.append((x, y))
        x += across
        width = max(width, round(x))
    result = Image.new(
        "RGB", (width, picture.height + (y + line + 4) * bool(texts)), GROUND
    )
    result.paste(picture, (0, 0))
    draw, side = ImageDraw.Draw(result), round(0.9 * font.size)
    for (colour, text), (left, top) in zip(texts, places, strict=True):
        middle = picture.height + top + line / 2
        square = (left, middle - side / 2, left + side, middle + side / 2)
        draw.rectangle(square, colour)
        draw.text((left + side + 4, middle), text, INK, font, anchor="lm")
    return result
