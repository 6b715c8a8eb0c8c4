"""A line of text above a picture."""

from PIL import Image, ImageDraw, ImageFont

LARGEST = 1024  # pixels a side: enough to look at
LINE = 1 / 16  # height of the writing, as a share of the picture's shorter side


def annotated(picture: Image.Image, text: str) -> Image.Image:
    """Return a copy of a picture with a line of text above it.

    Its size is that of any text: a longer one is written smaller.
    """
    picture = picture.convert("RGB")
    picture.thumbnail((LARGEST, LARGEST))
    width = max(picture.width, 160)
    font = ImageFont.load_default(max(12, round(LINE * min(picture.size))))
    band = round(1.6 * font.size)
    longest = font.getlength(text)
    if longest > width - 8:
        font = ImageFont.load_default(max(9, font.size * (width - 8) / longest))
    result = Image.new("RGB", (width, picture.height + band), "black")
    result.paste(picture, ((width - picture.width) // 2, band))
    ImageDraw.Draw(result).text((4, band / 2), text, "white", font, anchor="lm")
    return result
