"""The data set `garments`: scenes of Fashion-MNIST's garments on a black canvas.

Each scene has one to six garments, enlarged, tinted, mirrored and laid where they
hide each other least. Its mask and its boxes are exact, and every garment is in one
scene only: those of the test scenes are the 10,000 test garments, which no training
scene has. A scene is drawn when it is asked for, always the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from swin_keras.data.dataset import ImageDataset
from swin_keras.data.idx import CLASS_NAMES, holds_idx, read_split
from swin_keras.data.image_io import image_mode
from swin_keras.data.splits import Split
from swin_keras.data.splitting import USUAL, HeldOut, stratified
from swin_keras.data.targets import Boxes, ImageBoxes, Masks, MultiLabel
from swin_keras.data.targets.target import Reader
from swin_keras.errors import DataError, UsageError
from swin_keras.files import expanded

NAME = "garments"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # of its dataset-fashion-mnist
SIDE, MIN_SIDE, MAX_SIDE = 96, 48, 512  # of a canvas, in pixels
MAX_GARMENTS = 6
SCALES = (1.0, 1.5)  # of a garment's 28 pixels
TINTS = (0.5, 1.0)  # of each colour; the strongest is kept
PLACES = 16  # tried for each garment
VISIBLE = 8  # least value of a pixel that is pasted; below is noise
SEED = 0  # the scenes are part of the data set: they never change
KEYS = {"train": 0, "val": 1, "test": 2}  # so that no split has another's scenes


class Garment(NamedTuple):
    """One garment of a scene: what is to be pasted, and where.

    Args:
        label: Its class.
        pixels: RGB, uint8 `(H, W, 3)`.
        mask: Where it is, bool `(H, W)`, less what later garments hide.
        rows: Those of the canvas.
        columns: Those of the canvas.
    """

    label: int
    pixels: np.ndarray
    mask: np.ndarray
    rows: slice
    columns: slice


@dataclass(frozen=True, eq=False)
class Scenes:
    """Scenes of some garments, each of which is in one of them.

    Args:
        garments: uint8 `(N, 28, 28)`.
        labels: Class index of each.
        side: Of the canvas, in pixels.
        key: Tells these scenes from those of other garments; see `KEYS`.
    """

    garments: np.ndarray
    labels: np.ndarray
    side: int
    key: int

    def __len__(self):
        return len(self.members)

    @cached_property
    def members(self) -> list[np.ndarray]:
        """The garments of each scene, as indices."""
        rng = np.random.default_rng([SEED, self.key])
        order = rng.permutation(len(self.garments))
        counts = rng.integers(1, MAX_GARMENTS + 1, len(order))
        ends = np.cumsum(counts)
        return np.split(order, ends[ends < len(order)])

    def garments_of(self, index: int) -> list[Garment]:
        """Return the garments of a scene, the uppermost last."""
        return _garments_of(self, index)


@lru_cache(maxsize=16)  # a scene's image and its mask are asked for one after the other
def _garments_of(scenes, index):
    rng = np.random.default_rng([SEED, scenes.key, index])
    covered, found = np.zeros((scenes.side, scenes.side), np.int32), []
    for member in scenes.members[index]:
        pixels, mask = _dressed(scenes.garments[member], rng)
        top, left = _place(covered, mask, rng)
        rows, columns = (
            slice(start, start + length)
            for start, length in zip((top, left), mask.shape, strict=True)
        )
        number = len(found) + 1
        covered[rows, columns][mask] = number
        label = int(scenes.labels[member])
        found.append(Garment(label, pixels, mask, rows, columns))
    return [
        garment._replace(mask=covered[garment.rows, garment.columns] == number)
        for number, garment in enumerate(found, 1)
    ]


def _dressed(garment, rng):
    """Return a garment in one of its sizes and colours, and where it is."""
    side = round(garment.shape[0] * rng.uniform(*SCALES))
    tint = rng.uniform(*TINTS, 3)
    image = Image.fromarray(garment[:, ::-1] if rng.random() < 0.5 else garment)
    grey = np.asarray(image.resize((side, side), Resampling.BILINEAR))
    mask = np.asarray(image.resize((side, side), Resampling.NEAREST)) >= VISIBLE
    part = tuple(slice(*extent(mask.any(axis))) for axis in (1, 0))
    grey, mask = grey[part].clip(1), mask[part]  # no hole where the mask has none
    return np.rint(grey[..., None] * (tint / tint.max())).astype(np.uint8), mask


def extent(flags: np.ndarray) -> tuple[int, int]:
    """Return where the first flag that is up begins and the last one ends."""
    found = np.flatnonzero(flags)
    return (found[0], found[-1] + 1) if found.size else (0, 0)


def _place(covered, mask, rng):
    """Return the place, of some that are drawn, where a garment hides least."""
    room = np.subtract(covered.shape, mask.shape) + 1
    places = rng.integers(room, size=(PLACES, 2))
    height, width = mask.shape
    hidden = [
        np.count_nonzero(covered[top : top + height, left : left + width])
        for top, left in places
    ]
    return places[np.argmin(hidden)]


@dataclass(frozen=True, eq=False)
class SceneSplit(Split):
    """Scenes that are drawn: each item is the index of one."""

    scenes: Scenes

    def image(self, index, channels, at_least=None):
        scenes = self.scenes
        pixels = np.zeros((scenes.side, scenes.side, 3), np.uint8)
        for garment in scenes.garments_of(self.items[index]):
            part = pixels[garment.rows, garment.columns]
            part[garment.mask] = garment.pixels[garment.mask]
        return Image.fromarray(pixels).convert(image_mode(channels))

    def size(self, index):
        return self.scenes.side, self.scenes.side

    def contents(self):
        scenes = self.scenes
        yield f"{scenes.side} {scenes.key} {len(scenes.garments)}".encode()
        yield np.ascontiguousarray(self.items).data


@dataclass(frozen=True, eq=False)
class SceneMasks(Reader):
    """Draws the mask of a scene: 0 where nothing is, a garment's class + 1."""

    scenes: Scenes

    def __call__(self, item):
        mask = np.zeros((self.scenes.side, self.scenes.side), np.uint8)
        for garment in self.scenes.garments_of(item):
            mask[garment.rows, garment.columns][garment.mask] = garment.label + 1
        return mask


@dataclass(frozen=True, eq=False)
class SceneBoxes(Reader):
    """Finds the boxes around what can be seen of a scene's garments."""

    scenes: Scenes

    def __call__(self, item):
        boxes, labels = [], []
        for garment in self.scenes.garments_of(item):
            if not garment.mask.any():  # hidden
                continue
            x1, x2 = np.add(garment.columns.start, extent(garment.mask.any(0)))
            y1, y2 = np.add(garment.rows.start, extent(garment.mask.any(1)))
            boxes.append((x1, y1, x2, y2))
            labels.append(garment.label)
        return ImageBoxes.of(boxes, labels)


def masks_of(scenes: Scenes) -> Masks:
    return Masks(np.arange(len(scenes)), SceneMasks(scenes))


def boxes_of(scenes: Scenes) -> Boxes:
    classes = len(CLASS_NAMES["fashion_mnist"])
    numbers = np.arange(len(scenes))
    return Boxes(numbers, SceneBoxes(scenes), MAX_GARMENTS, classes)


def labels_of(scenes: Scenes) -> MultiLabel:
    vectors = np.zeros((len(scenes), len(CLASS_NAMES["fashion_mnist"])), bool)
    for row, members in zip(vectors, scenes.members, strict=True):
        row[scenes.labels[members]] = True
    return MultiLabel(vectors)


KINDS = {"masks": masks_of, "boxes": boxes_of, "multi_label": labels_of}


def is_here(name: str, data_dir=None) -> bool:
    """Return whether a name is this set's, and its files are there."""
    folder = expanded(data_dir) if data_dir else DEBIAN
    return name.partition("/")[0] == NAME and holds_idx(folder)


def load_garments(
    name: str, kind: str, data_dir=None, held_out: HeldOut | None = USUAL
) -> ImageDataset:
    """Return the scenes with their masks, boxes or labels.

    Args:
        name: "garments", or with the side of the canvas: "garments/128".
        kind: "masks", "boxes" or "multi_label".
        data_dir: The folder of Fashion-MNIST's four files; by default that of
            Debian's package.
        held_out: Its share for val is that of the garments of training.

    Raises:
        DataError: If the files are not there, or `kind` is another.
        UsageError: If `name` has another side.
    """
    if kind not in KINDS:
        raise DataError(
            f"{NAME} has masks, boxes, or several labels (multi_label) for each "
            f"image. Received: {kind}."
        )
    side = _side_of(name)
    folder = expanded(data_dir) if data_dir else DEBIAN
    if not holds_idx(folder):
        raise DataError(
            f"{NAME} is drawn from the four files of Fashion-MNIST, which are not in "
            f"{folder}. Install them (apt install dataset-fashion-mnist), or name the "
            "folder that holds them as `data_dir`."
        )
    splits = {
        title: SceneSplit(np.arange(len(scenes)), KINDS[kind](scenes), title, scenes)
        for title, scenes in _scenes(folder, side, held_out).items()
    }
    names = CLASS_NAMES["fashion_mnist"]
    notes = ()
    if held_out:
        notes = (
            f"The val scenes show {100 * held_out.val:.3g} % of the garments of "
            f"training; seed {held_out.seed} chose them.",
        )
    return ImageDataset(
        name=name,
        class_names=("background", *names) if kind == "masks" else names,
        splits=splits,
        image_shape=(side, side, 3),
        notes=notes,
    )


def _side_of(name):
    _, _, given = name.partition("/")
    if not given:
        return SIDE
    if not (given.isdecimal() and MIN_SIDE <= int(given) <= MAX_SIDE):
        raise UsageError(
            f"The side of a canvas must be {MIN_SIDE} to {MAX_SIDE} pixels: "
            f"{NAME}/{SIDE}. Received: {name!r}."
        )
    return int(given)


def _scenes(folder, side, held_out) -> Mapping[str, Scenes]:
    """Return the scenes of each split; no two share a garment."""
    train, test = (
        read_split(folder, title, "fashion_mnist") for title in ("train", "test")
    )
    parts = {"train": train}
    if held_out:
        left, chosen = stratified(train.labels, [held_out.val], held_out.seed)
        parts = {"train": train.subset(left, ""), "val": train.subset(chosen, "")}
    parts["test"] = test
    return {
        title: Scenes(part.items[..., 0], part.labels, side, KEYS[title])
        for title, part in parts.items()
    }
