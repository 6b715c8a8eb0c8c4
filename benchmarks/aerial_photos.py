"""Aerial photos with a box around each tree, as `deepforest` brings them."""

import importlib.util
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from swin_keras.data.boxes import read_boxes
from swin_keras.data.geometry import Geometry

PHOTOS = {  # for what, and how its two files are called
    "training": "2019_YELL_2_528000_4978000_image_crop2",
    "same forest": "2019_YELL_2_541000_4977000_image_crop",
    "other forest": "OSBS_029",
    "third forest": "SOAP_061",
}
SEEN = 0.5  # share of a tree from which on it is one in a tile
HOW = (
    "The photos are in the package deepforest: pip download --no-deps deepforest, "
    "unpack the wheel, and give its folder deepforest/data as --data-dir."
)


@dataclass(frozen=True)
class Photo:
    """A photo or a part of one.

    Args:
        image: Its pixels.
        boxes: `x1, y1, x2, y2` of each tree, `(N, 4)`.
        is_cut: Which of them are seen by less than half, `(N,)`.
    """

    image: Image.Image
    boxes: np.ndarray
    is_cut: np.ndarray

    def part(self, left: int, top: int, width: int, height: int) -> "Photo":
        """Return a part of the photo, with all trees of which something is seen."""
        box = (left, top, left + width, top + height)
        geometry = Geometry(self.image.size, box, (height, width))
        boxes, shares = geometry.boxes(self.boxes)
        is_seen = shares > 0
        is_cut = self.is_cut | (shares < SEEN)
        return Photo(self.image.crop(box), boxes[is_seen], is_cut[is_seen])

    def tiles(self, side: int, step: int) -> list["Photo"]:
        """Return square parts, row by row, the last ones at the edges."""
        width, height = self.image.size
        return [
            self.part(left, top, side, side)
            for top in _starts(height, side, step)
            for left in _starts(width, side, step)
        ]


def find_folder(given) -> Path:
    """Return the folder of the photos: the given one, or an installed package's.

    Raises:
        SystemExit: If there is none; it says how to get one.
    """
    package = None if given else importlib.util.find_spec("deepforest")
    folder = Path(package.origin).parent / "data" if package else Path(given or "")
    missing = [
        f"{name}{ending}"
        for name in PHOTOS.values()
        for ending in (".png", ".xml")
        if not (folder / f"{name}{ending}").is_file()
    ]
    if not (given or package) or missing:
        raise SystemExit(f"There is no {missing[0]} in {folder.resolve()}. {HOW}")
    return folder


def read_photo(folder: Path, name: str, place: Path) -> Photo:
    """Read one photo; its boxes are of one class, whatever they are called there.

    Args:
        folder: Where all are.
        name: What its files are called.
        place: A folder to make, in which it is alone.
    """
    place.mkdir(parents=True)
    for ending in (".png", ".xml"):
        shutil.copy(folder / f"{name}{ending}", place)
    ((record,),) = read_boxes(place).splits.values()
    image = Image.open(place / record.path).convert("RGB")
    return Photo(image, record.boxes, np.zeros(record.count, bool))


def write_photos(folder: Path, photos: list[Photo]):
    """Write photos and their boxes as COCO's json; trees that are cut as crowds.

    A crowd counts neither as found nor as missed, in training and in judging.
    """
    folder.mkdir(parents=True)
    images, annotations = [], []
    for number, photo in enumerate(photos, start=1):
        width, height = photo.image.size
        name = f"{number}.png"
        photo.image.save(folder / name)
        images.append(
            {"id": number, "file_name": name, "width": width, "height": height}
        )
        for (x1, y1, x2, y2), is_cut in zip(
            photo.boxes.tolist(), photo.is_cut, strict=True
        ):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": int(is_cut),
                }
            )
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "tree"}],
    }
    (folder / "boxes.json").write_text(json.dumps(content))


def _starts(length, side, step):
    last = length - side
    if last < 0:
        raise SystemExit(
            f"A tile must not be larger than a photo. Received: {side} for {length}."
        )
    return [*range(0, last, step), last]
