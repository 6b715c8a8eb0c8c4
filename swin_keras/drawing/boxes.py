"""Draw boxes with their names on a picture."""

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from swin_keras.drawing.colours import colour_of, text_on
from swin_keras.drawing.font import font as sized_font
from swin_keras.names import printable

LONGEST = 40  # letters of a label
DASH = 4  # widths of a line
PAD = 2  # pixels around the letters of a label


def draw_boxes(
    picture: Image.Image,
    boxes,
    labels=None,
    scores=None,
    *,
    classes=None,
    dashed=None,
    colours=None,
    sides: tuple[int, int] | None = None,
) -> Image.Image:
    """Return a copy of a picture with boxes drawn on it.

    Large boxes are drawn first; a label is placed where it covers no other one, if
    there is such a place, and always in the picture.

    Args:
        picture: The upright picture.
        boxes: `x1, y1, x2, y2` in its pixels, `(N, 4)`.
        labels: A text for each box.
        scores: What to write after it as percent.
        classes: Class of each box, which chooses its colour. Defaults to one for
            each label.
        dashed: Which boxes have broken lines, such as crowds or missed ones.
        colours: Colour of each box instead, as red, green and blue.
        sides: Least and most pixels of the longer side of the result; a smaller or
            larger picture is resized.
    """
    picture, scale = _resized(picture.convert("RGB"), sides)  # which copies it
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4) * scale
    count = len(boxes)
    if colours is None:
        colours = _colours(classes, labels, count)
    dashed = np.zeros(count, bool) if dashed is None else np.asarray(dashed, bool)
    draw, width = ImageDraw.Draw(picture), line_width(picture.size)
    by_size = np.argsort(-(boxes[:, 2:] - boxes[:, :2]).prod(1), kind="stable")
    for place in by_size:
        _outline(draw, boxes[place], colours[place], width, dashed[place])
    texts = _texts(labels, scores, count)
    font = font_for(picture.size, (label for label, _ in texts))
    taken, written = np.empty((count, 4)), 0
    for place in by_size:
        if any(texts[place]):
            text = fitting(*texts[place], font, picture.width - 2 * PAD)
            area = _place(boxes[place], text, font, picture.size, taken[:written])
            _write(draw, area, text, colours[place], font)
            taken[written], written = area, written + 1
    return picture


def line_width(size) -> int:
    """Return the width of lines on a picture of `(width, height)`, in pixels."""
    return max(1, round(min(size) / 240))


def font_for(size, texts=()):
    """Return a font to write texts with on a picture of `(width, height)`."""
    return sized_font(min(max(11, min(size) / 28), 20), texts)


def _resized(picture, sides):
    longer = max(picture.size)
    if sides is None or sides[0] <= longer <= sides[1]:
        return picture, np.ones(4)
    ratio = np.clip(longer, *sides) / longer
    size = tuple(max(1, round(side * ratio)) for side in picture.size)
    scale = np.tile(np.divide(size, picture.size), 2)
    return picture.resize(size, Image.Resampling.BICUBIC), scale


def _colours(classes, labels, count):
    if classes is None and labels is not None:
        known = {label: place for place, label in enumerate(sorted(set(labels)))}
        classes = [known[label] for label in labels]
    return [colour_of(c) for c in (np.zeros(count) if classes is None else classes)]


def _texts(labels, scores, count) -> list[tuple[str, str]]:
    """Return label and percent of each box, "" where there is none."""
    texts = [""] * count if labels is None else list(map(_shortened, labels))
    percents = [""] * count if scores is None else [f"{score:.0%}" for score in scores]
    return list(zip(texts, percents, strict=True))


def _shortened(label) -> str:
    text = printable(label)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _outline(draw, box, colour, width, is_dashed):
    """Draw a frame whose outer edge is the box, with a dark line inside it."""
    x1, y1, x2, y2 = np.round(box).astype(int) - (0, 0, 1, 1)
    x2, y2 = max(x1, x2), max(y1, y2)
    if not is_dashed and min(x2 - x1, y2 - y1) > 4 * width:
        inner = (x1 + width, y1 + width, x2 - width, y2 - width)
        draw.rectangle(inner, outline=(0, 0, 0), width=max(1, width // 2))
    if min(x2 - x1, y2 - y1) < 2 * width:  # Pillow would draw beyond it
        draw.rectangle((x1, y1, x2, y2), colour)
        return
    if not is_dashed:
        draw.rectangle((x1, y1, x2, y2), outline=colour, width=width)
        return
    half = (width - 1) // 2
    left, top, right, bottom = x1 + half, y1 + half, x2 - half, y2 - half
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for start, end in pairwise(corners):
        length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
        steps = np.arange(0, max(length, 1), 2 * DASH * width) / max(length, 1)
        dash = DASH * width / max(length, 1)
        for step in steps:
            ends = [
                tuple(np.add(start, np.subtract(end, start) * min(part, 1)).round())
                for part in (step, step + dash)
            ]
            draw.line(ends, colour, width)


def fitting(label, percent, font, width) -> str:
    """Return label and percent in one, with as much of the label as there is room."""
    while label and font.getlength(f"{label} {percent}") > width:
        label = label[:-1]
    return f"{label} {percent}".strip()


def _place(box, text, font, size, taken):
    """Return where a label covers the least of others, in whole pixels."""
    (width, height), (x1, y1, x2, y2) = size, box
    across, high = font.getlength(text) + 2 * PAD, sum(font.getmetrics()) + PAD
    areas = []
    for x, y in (  # above the box, below it, above to the right, in it above and below
        (x1, y1 - high),
        (x1, y2),
        (x2 - across, y1 - high),
        (x1, y1),
        (x1, y2 - high),
    ):
        x = round(min(max(x, 0), max(width - across, 0)))
        inside = round(min(max(y, 0), max(height - high, 0)))
        area = x, inside, min(x + round(across), width), min(inside + high, height)
        covered = _overlaps(area, taken).sum()
        areas.append((covered, abs(y - inside) > 1, len(areas), area))
    return min(areas)[-1]


def _write(draw, area, text, colour, font):
    left, top, right, bottom = area
    draw.rectangle((left, top, right - 1, bottom - 1), colour)
    middle = (left + PAD, (top + bottom) / 2)
    draw.text(middle, text, text_on(colour), font, anchor="lm")


def _overlaps(one, others):
    """Return the pixels that an area shares with each of others, `(N, 4)`."""
    sides = np.minimum(one[2:], others[:, 2:]) - np.maximum(one[:2], others[:, :2])
    return sides.clip(0).prod(1)
