"""What every source becomes: named splits of images and targets, by index."""

import functools
import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from swin_keras.data.class_names import problems_of
from swin_keras.data.splits import JoinedSplit, Split
from swin_keras.errors import DataError, UsageError, nearest_name


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Images and targets, split for training, choosing and judging a model.

    Args:
        name: A folder's name or a data set's.
        class_names: Names in the order of the class indices.
        splits: "train", "val" and "test"; where nothing was held out, what is
            there: some of these, or "all" for a folder without splits.
        image_shape: `(height, width, channels)`; `None` where images differ.
        mirror_safe: Whether a mirrored image still belongs to its class.
        notes: What was decided on the way, to be shown to the user.
        skipped: `(path, reason)` of every file that was left out.
        unlabelled: Images to train on that have no label, or `None`. They are no split:
            nothing but training asks for them.
        voc_from_zero: Whether the pixels of boxes of Pascal VOC were counted from 0;
            `None` for other data.
    """

    name: str
    class_names: tuple[str, ...]
    splits: Mapping[str, Split]
    image_shape: tuple[int | None, int | None, int] = (None, None, 3)
    mirror_safe: bool = True
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    unlabelled: Split | None = None
    voc_from_zero: bool | None = None

    def __post_init__(self):
        problems = problems_of(self.class_names)
        if not problems and len(set(self.class_names)) < len(self.class_names):
            problems = ["Two classes have the same name."]
        if problems:
            raise DataError(f"{self.name} cannot be used:\n  " + "\n  ".join(problems))

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @functools.cached_property
    def training(self) -> Split:
        """What a model is trained on: the train split, then images without labels."""
        if self.unlabelled is None:
            return self.splits["train"]
        return JoinedSplit.of([self.splits["train"], self.unlabelled], "train")

    def split(self, title: str) -> Split:
        """Return a split by name, or "all" of the images, each once.

        Raises:
            UsageError: If there is no such split.
        """
        if title in self.splits:
            return self.splits[title]
        if title != "all":
            known = ", ".join([*self.splits, "all"])
            raise UsageError(
                f"The split of {self.name} must be one of {known}. Received: {title!r}."
                f"{nearest_name(title, [*self.splits, 'all'])}"
            )
        # The test split is the val split where no images could be held out.
        distinct = {id(split): split for split in self.splits.values()}
        return JoinedSplit.of(list(distinct.values()), "all")

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that change when the data does.

        Arrays count with their bytes, files with their paths and sizes.
        """
        digest = hashlib.sha256(repr(self.class_names).encode())
        splits = sorted(self.splits.items())
        if self.unlabelled is not None:
            splits.append(("unlabelled", self.unlabelled))
        for title, split in splits:
            _digest(title, split, digest)
        return digest.hexdigest()[:16]

    def split_fingerprint(self, title: str) -> str:
        """Return 16 hexadecimal digits that change when one split does."""
        digest = hashlib.sha256(repr(self.class_names).encode())
        _digest(title, self.splits[title], digest)
        return digest.hexdigest()[:16]


def _digest(title, split, digest):
    digest.update(f"{title} {len(split)}\n".encode())
    for part in itertools.chain(split.targets.contents(), split.contents()):
        digest.update(part)
