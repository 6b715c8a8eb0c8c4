"""A sheet of pictures with their boxes, to be looked at."""

from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from swin_keras.data.boxes.records import BoxRecord, BoxSet
from swin_keras.data.image_file import ImageError, open_image
from swin_keras.data.image_io import decode_image
from swin_keras.drawing.boxes import draw_boxes
from swin_keras.drawing.legend import with_legend
from swin_keras.drawing.sheet import draw_sheet
from swin_keras.errors import ResourceError, UsageError
from swin_keras.files import require_new_file

MAX_LABELLED = 12  # boxes in a picture; more labels would hide it
SIDES = (480, 960)  # pixels of the longer side of a picture before it is shrunk
CELL = 400
MARK = ("Comment", "swin-keras: pictures with their boxes")  # in the PNG of a sheet


def save_sheet(boxes: BoxSet, path, count: int = 16, grey_range=None) -> Path:
    """Write a PNG of some pictures with their boxes, and the colours of the classes.

    Broken lines are those of crowds and of difficult objects.

    Args:
        boxes: The set.
        path: The file to write.
        count: How many pictures; see `choose`.
        grey_range: As for `load_dataset`.

    Raises:
        ResourceError: If it cannot be written.
        UsageError: See `require_sheet`.
    """
    path = require_sheet(path)
    chosen = choose(boxes, count)
    pictures, titles = [], []
    for record in chosen:
        try:
            pictures.append(picture_with_boxes(boxes, record, grey_range))
            titles.append(f"{record.path} ({record.count})")
        except ImageError as error:  # of which only the header was read before
            pictures.append(Image.new("RGB", (record.width, record.height)))
            titles.append(str(error))
    sheet = with_legend(
        draw_sheet(pictures, titles, cell=CELL), enumerate(boxes.class_names)
    )
    marked = PngImagePlugin.PngInfo()
    marked.add_text(*MARK)
    try:
        sheet.save(path, "PNG", pnginfo=marked)
    except OSError as error:
        reason = error.strerror or error
        raise ResourceError(f"{path} cannot be written: {reason}.") from error
    return path


def require_sheet(path) -> Path:
    """Refuse a sheet that cannot be written; an earlier one may go.

    Raises:
        UsageError: If it is no .png, there is no folder for it, or another file has
            its name.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise UsageError(f"The sheet must be a .png file. Received: {path}.")
    if not _is_sheet(path):
        require_new_file(path)
    return path


def _is_sheet(path):
    key, text = MARK
    try:
        with open_image(path) as image:
            return image.info.get(key) == text
    except ImageError:
        return False


def choose(boxes: BoxSet, count: int) -> list[BoxRecord]:
    """Return pictures that show as many classes as can be, and then any.

    The same pictures every time: those of rare classes first, then others evenly
    through the set.
    """
    records = boxes.records
    chosen, places = [], {}
    totals = np.zeros(len(boxes.class_names), np.int64)
    for place, record in enumerate(records):
        for class_id in np.unique(record.classes):
            totals[class_id] += 1
            places.setdefault(int(class_id), place)
    for class_id in sorted(places, key=lambda c: totals[c]):
        if len(chosen) < count // 2 and places[class_id] not in chosen:
            chosen.append(places[class_id])
    evenly = np.linspace(0, len(records) - 1, min(count, len(records))).astype(int)
    chosen += [place for place in evenly.tolist() if place not in chosen]
    return [records[place] for place in sorted(chosen[:count])]


def picture_with_boxes(boxes: BoxSet, record: BoxRecord, grey_range=None):
    """Return a picture with its boxes, each with its name where these are few.

    Raises:
        ImageError: If it cannot be read.
    """
    picture = decode_image(
        boxes.source(record),
        name=record.path,
        at_least=SIDES[1],
        grey_range=grey_range,
    )
    scale = np.divide(picture.size, (record.width, record.height))
    labels = None
    if record.count <= MAX_LABELLED:
        labels = [boxes.class_names[class_id] for class_id in record.classes]
    return draw_boxes(
        picture,
        record.boxes * np.tile(scale, 2),
        labels,
        classes=record.classes,
        dashed=record.ignored,
        sides=SIDES,
    )
