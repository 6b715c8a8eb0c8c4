"""Pictures and masks of a folder, looked at: what can be used, and what it means."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swin_keras.data.inspection import Look
from swin_keras.data.segmentation.class_table import ClassTable, find_table
from swin_keras.data.segmentation.looking import PairLook, look_at_pairs
from swin_keras.data.segmentation.mask_file import VALUES, MaskFiles, Meaning
from swin_keras.data.segmentation.pairs import Pairs, list_pairs
from swin_keras.data.segmentation.palettes import check_palettes
from swin_keras.data.splits import FileSplit
from swin_keras.data.targets import Masks
from swin_keras.errors import DataError, UsageError
from swin_keras.masks import IGNORED
from swin_keras.names import printable


@dataclass(frozen=True)
class MaskFolder:
    """Pictures and masks of a folder, each looked at.

    Args:
        pairs: All of them.
        looks: Picture -> what was found of it and of its mask.
        table: The classes that the folder names, or `None`.
        meaning: What the values or colours of the masks stand for.
        class_names: Names in the order of the classes.
    """

    pairs: Pairs
    looks: dict[str, PairLook]
    table: ClassTable | None
    meaning: Meaning
    class_names: tuple[str, ...]

    @property
    def root(self) -> Path:
        return self.pairs.root

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(self.pairs.splits)

    @property
    def notes(self) -> tuple[str, ...]:
        return self.pairs.notes

    @property
    def problems(self) -> dict[str, str]:
        """Path -> why it cannot be used, of pictures and of masks."""
        problems = dict(self.pairs.problems)
        for split in self.pairs.splits.values():
            for image, mask in split.items():
                problems.update(self.looks[image].problems)
                wrong = self._wrong_values(self.looks[image])
                if wrong.size:
                    problems[mask] = self.meaning.complaint(wrong)
        return problems

    def pixels(self, title: str) -> np.ndarray:
        """Return the pixels of each class in what can be used: `(classes,)`."""
        looks = [self.looks[image] for image in self.usable(title)]
        return sum((self.pixels_of(look) for look in looks), self._no_pixels())

    def images(self, title: str) -> np.ndarray:
        """Return how many usable pictures show each class: `(classes,)`."""
        looks = [self.looks[image] for image in self.usable(title)]
        return sum((self.pixels_of(look) > 0 for look in looks), self._no_pixels())

    def usable(self, title: str) -> dict[str, str]:
        """Return picture -> mask of what can be used."""
        return {
            image: mask
            for image, mask in self.pairs.splits[title].items()
            if not self.looks[image].problems
            and not self._wrong_values(self.looks[image]).size
        }

    def area(self, title: str) -> int:
        """Return the pixels of all masks that can be used."""
        sizes = [self.looks[image].size for image in self.usable(title)]
        return sum(width * height for width, height in sizes)

    def image_looks(self, title: str) -> dict[str, Look]:
        """Return picture -> what was found of it, of what can be used."""
        return {image: self.looks[image].image for image in self.usable(title)}

    @property
    def turned(self) -> list[str]:
        """The pictures whose masks are turned with them."""
        return [image for image, look in self.looks.items() if look.orientation != 1]

    def pixels_of(self, look: PairLook) -> np.ndarray:
        """Return the pixels of each class in one mask: `(classes,)`."""
        known = self._classes_of_values()
        pixels = np.zeros(VALUES + 1, np.int64)
        np.add.at(pixels, known, look.counts)
        return pixels[: self.meaning.classes]

    def split(self, title: str, grey_range=None) -> FileSplit:
        """Return what can be used of a split."""
        pairs = self.usable(title)
        masks = [(mask, self.looks[image].orientation) for image, mask in pairs.items()]
        root = self.pairs.root
        targets = Masks(masks, MaskFiles(root, self.meaning))
        return FileSplit(list(pairs), targets, title, root, grey_range=grey_range)

    def _wrong_values(self, look):
        if look.counts is None:
            return np.array([], int)
        return np.flatnonzero((self._classes_of_values() == VALUES) & (look.counts > 0))

    def _classes_of_values(self):
        if self.table is not None and self.table.colours:  # counted by class already
            return np.arange(VALUES)
        return self.meaning.of_values()

    def _no_pixels(self):
        return np.zeros(self.meaning.classes, np.int64)


def look_into_folder(
    path,
    *,
    decode: bool,
    reduce_zero_label: bool = False,
    follow_links: bool = False,
    grey_range=None,
    progress: Callable[[int, int], None] | None = None,
) -> MaskFolder:
    """List a folder of pictures and masks, and look at each.

    Without a table, the classes are the values of the training masks: 0 to the
    largest.

    Raises:
        DataError: If the folder is laid out otherwise, or it cannot be told what
            the classes are.
    """
    root = Path(path)
    pairs, table = list_pairs(root, follow_links), find_table(root)
    if reduce_zero_label and table is not None and table.colours:
        raise UsageError(
            "`reduce_zero_label` is for masks of values. Received: reduce_zero_label="
            f"True, and the colours of {table.file}. Name its first class void instead."
        )
    looks = look_at_pairs(
        pairs, table, decode=decode, grey_range=grey_range, progress=progress
    )
    masks = [pair for split in pairs.splits.values() for pair in split.items()]
    check_palettes({mask: looks[image].palette for image, mask in masks}, root)
    has_colours = table is not None and table.colours
    used = _values_to_learn(pairs, looks)
    if not has_colours and used.tolist() in ([0, IGNORED], [IGNORED]):
        place = (
            f"in place of {Path(table.file).name}"
            if table is not None
            else "beside them"
        )
        raise DataError(
            f"The masks in {printable(root)} hold {' and '.join(map(str, used))} only, "
            f"and {IGNORED} is ignored. If it is a class, say so in a classes.csv "
            f"{place}: rows such as background,0,0,0 and object,255,255,255."
        )
    if table is not None:
        meaning = Meaning(len(table.class_names), table, reduce_zero_label)
        return MaskFolder(pairs, looks, table, meaning, table.class_names)
    first = int(reduce_zero_label)
    last = max((value for value in used.tolist() if value < IGNORED), default=0)
    meaning = Meaning(max(last + 1 - first, 1), None, reduce_zero_label)
    names = tuple(str(value) for value in range(first, first + meaning.classes))
    return MaskFolder(pairs, looks, None, meaning, names)


def _values_to_learn(pairs, looks):
    """Return the values that the masks of training hold; of all where there is none."""
    splits = pairs.splits
    learned = [splits["train"]] if "train" in splits else splits.values()
    looks = [looks[image] for images in learned for image in images]
    counts = [look.counts for look in looks if look.counts is not None]
    return np.flatnonzero(sum(counts)) if counts else np.array([0])
