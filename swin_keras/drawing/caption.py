"""What is said of a picture, written above it."""

from PIL import Image, ImageDraw

from swin_keras.drawing.boxes import fitting
from swin_keras.drawing.font import font

LARGEST = 1024  # pixels a side: enough to look at
LINE = 1 / 16  # height of the writing, as a share of the picture's shorter side
SMALLEST = 9  # pixels of a letter
EDGE = 4  # pixels left and right of the writing


def annotated(picture: Image.Image, said, *, one_line: bool = False) -> Image.Image:
    """Return a copy of a picture with what is said of it above.

    Longer text is written smaller, then in several lines; a name longer than a line
    loses its end, its number never.

    Args:
        picture: The picture; a large one is made smaller.
        said: `(name, number as text)` of each thing that is said.
        one_line: Whether to count what does not fit into one line, so that the size
            is that of any text, as frames of a video need it.
    """
    picture = picture.convert("RGB")
    picture.thumbnail((LARGEST, LARGEST))
    width = max(picture.width, 160)
    usual = max(12, round(LINE * min(picture.size)))
    room, names = width - 2 * EDGE, [name for name, _ in said]
    letters = font(usual, names)
    longest = letters.getlength(_joined(said))
    if longest > room:
        letters = font(max(SMALLEST, usual * room / longest), names)
    lines = _lines(said, letters, room)
    if one_line and len(lines) > 1:
        lines = [_counted(said, letters, room)]
    band = round(1.6 * usual)
    step = band if len(lines) == 1 else round(1.6 * letters.size)
    result = Image.new("RGB", (width, picture.height + len(lines) * step), "black")
    result.paste(picture, ((width - picture.width) // 2, len(lines) * step))
    draw = ImageDraw.Draw(result)
    for place, line in enumerate(lines):
        draw.text((EDGE, (place + 0.5) * step), line, "white", letters, anchor="lm")
    return result


def _joined(said) -> str:
    return ", ".join(f"{name}  {number}".strip() for name, number in said)


def _lines(said, letters, room) -> list[str]:
    """Break what is said into lines, between two things."""
    lines = []
    for name, number in said:
        one = fitting(f"{name} " if number else name, number, letters, room)
        longer = f"{lines[-1]}, {one}" if lines else one
        if lines and letters.getlength(f"{longer},") <= room:
            lines[-1] = longer
        else:
            lines.append(one)
    return [f"{line}," for line in lines[:-1]] + lines[-1:]


def _counted(said, letters, room) -> str:
    """Return the first things that fit into one line, and how many more there are."""
    for count in range(len(said) - 1, 0, -1):
        text = f"{_joined(said[:count])}, and {len(said) - count} more"
        if letters.getlength(text) <= room:
            return text
    (name, number), more = said[0], f", and {len(said) - 1} more"
    return fitting(f"{name} ", number, letters, room - letters.getlength(more)) + more
