"""Evaluate any model on any data set: `swin-keras evaluate`."""

import logging
import os
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np

from swin_keras.answers import Answers
from swin_keras.data import (
    BatchLoader,
    ImageDataset,
    batches,
    data_errors,
    load_trained,
)
from swin_keras.errors import DataError, UsageError, nearest_name
from swin_keras.inference import Predictor
from swin_keras.names import printable

log = logging.getLogger(__name__)
SPLITS = ("all", "train", "val", "test")


class ClassFigures(NamedTuple):
    """How well a model knows one class; `nan` where undefined."""

    name: str
    images: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Evaluation:
    """How well a model did.

    Args:
        accuracy: Share of images whose best class is right.
        top5_accuracy: Share of images whose class is among the best five; `None`
            with five classes or fewer, where it says nothing.
        confusion: Number of images, true class by predicted class
            `(classes, classes)`, in the order of the model's class names.
        class_names: The model's class names.
        notes: What was decided about the data on the way.
        answers: What the model said of each image.
        split: Which images these were.
    """

    accuracy: float
    top5_accuracy: float | None
    confusion: np.ndarray
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    answers: Answers | None = None
    split: str = "test"

    @property
    def images(self) -> int:
        return int(self.confusion.sum())

    def class_figures(self):
        """Yield the `ClassFigures` of each class."""
        columns = (
            self.class_names,
            np.diag(self.confusion),
            self.confusion.sum(axis=1),
            self.confusion.sum(axis=0),
        )
        for name, right, true, predicted in zip(*columns, strict=True):
            with np.errstate(invalid="ignore"):
                precision, recall = right / predicted, right / true
                f1 = 2 * right / (true + predicted)
            yield ClassFigures(
                name, int(true), float(precision), float(recall), float(f1)
            )

    def class_rows(self):
        """Yield `(name, images, precision, recall)`; `nan` where undefined."""
        for figures in self.class_figures():
            yield figures[:4]

    def confused_pairs(self) -> list[tuple[int, int, int]]:
        """List `(true, predicted, images)` of wrong answers, the most first."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        true, predicted = np.nonzero(wrong)
        images = wrong[true, predicted]
        order = np.argsort(-images, kind="stable")
        columns = np.stack([true, predicted, images], axis=1)
        return [tuple(row) for row in columns[order].tolist()]

    def to_dict(self) -> dict:
        """Return everything as plain values, for JSON."""
        answers = self.answers
        return {
            "accuracy": self.accuracy,
            "top5_accuracy": self.top5_accuracy,
            "split": self.split,
            "images": self.images,
            "classes": [
                {k: v if v == v else None for k, v in row._asdict().items()}
                for row in self.class_figures()
            ],
            "confusion": self.confusion.tolist(),
            "calibration_error": answers and answers.calibration_error(),
            "notes": list(self.notes),
        }


def evaluate(
    model,
    data=None,
    *,
    data_dir=None,
    split: str | None = None,
    batch_size: int = 32,
    on_bad: str | None = None,
    trust: bool = False,
) -> Evaluation:
    """Evaluate a trained or exported model.

    What is judged, and how many images that are, is logged first.

    Args:
        model: A run's folder, an export's folder or a model file.
        data: A folder of images or the name of a data set; `None` is the data
            that the model was trained on, split as then.
        data_dir: Where named data sets are kept.
        split: "train", "val", "test" or "all". By default the test images of a
            data set that has some, and all images of a folder that is not split.
        batch_size: Images that are run together.
        on_bad: "stop" at files that are no usable images, or "skip" them; by
            default as in training.
        trust: Whether a SavedModel may hold operations that do more than compute.

    Returns:
        An `Evaluation`.

    Raises:
        ModelFileError: If there is no such model.
        DataError: If the data has a class that the model does not know.
        UsageError: If the model does not tell what it was trained on, or an
            argument is of another kind.
    """
    _check(data, split, batch_size)
    predictor = Predictor(model, trust=trust)
    trained_on = predictor.card.train if predictor.card else {}
    if data is None and not trained_on.get("data"):
        raise UsageError(
            f"{model} does not tell what it was trained on. Name the data: --data."
        )
    changes = {"data_dir": data_dir, "on_bad": on_bad}
    changes = {name: value for name, value in changes.items() if value is not None}
    if data is None:
        dataset = load_trained(trained_on, **changes)
    else:
        dataset = _load_given(data, split, trained_on, changes)
    split = split or ("test" if "test" in dataset.splits else "all")
    _say_what(dataset, split, _is_same(data, trained_on.get("data")))
    return evaluate_dataset(predictor, dataset, split, batch_size)


def _check(data, split, batch_size):
    if data is not None and not isinstance(data, str | os.PathLike):
        raise UsageError(
            "`data` must be a folder or the name of a data set. "
            f"Received: {data!r:.200}."
        )
    if split is not None and split not in SPLITS:
        raise UsageError(
            f"`split` must be {', '.join(SPLITS[:-1])} or {SPLITS[-1]}. "
            f"Received: {split!r}.{nearest_name(split, SPLITS)}"
        )
    if not isinstance(batch_size, Integral) or batch_size < 1:
        raise UsageError(
            "`batch_size` must be a whole number of at least 1. "
            f"Received: {batch_size!r}."
        )


def _load_given(data, split, trained_on, changes):
    """Load data that was named: as it lies, and only if that is asked for split."""
    dataset = load_trained(trained_on, source=data, hold_out=False, **changes)
    if split in (None, "all", *dataset.splits) or list(dataset.splits) != ["all"]:
        return dataset  # which says what it has, if the split is not there
    return load_trained(trained_on, source=data, **changes)


def _is_same(data, trained_on):
    """Tell whether data that was named is what the model was trained on."""
    if data is None or not isinstance(trained_on, str):
        return False
    return Path(data).expanduser().resolve() == Path(trained_on).expanduser().resolve()


def _say_what(dataset, split, is_same):
    counts = {title: len(part) for title, part in dataset.splits.items()}
    images = len(dataset.split(split))
    kind = "all" if split == "all" else f"the {split}"
    others = ", ".join(f"{title} {count}" for title, count in counts.items())
    log.info(
        "judging %s images of %s: %d%s",
        *(kind, printable(dataset.name), images),
        f" (of {others})" if len(counts) > 1 else "",
    )
    if is_same and split == "all":
        log.info(
            "The model was trained on some of these images, which it knows. To judge "
            "the others alone, leave --data out."
        )


def evaluate_dataset(
    predictor: Predictor, dataset: ImageDataset, split="test", batch_size=32
) -> Evaluation:
    """Evaluate a loaded model on a loaded data set; see `evaluate`."""
    index_of = {name: index for index, name in enumerate(predictor.class_names)}
    unknown = [name for name in dataset.class_names if name not in index_of]
    if unknown:
        raise DataError(
            f"The model must know every class of the data. It knows {len(index_of)} "
            f"classes, but not: {', '.join(unknown[:10])}. "
            "Train it on these classes, or leave their images out."
        )
    true_index = np.array([index_of[name] for name in dataset.class_names])
    judged = dataset.split(split)
    if not len(judged):
        raise DataError(f"There must be images to judge. {dataset.name} has none.")
    height, width, channels = predictor.input_shape
    confusion = np.zeros((len(index_of),) * 2, int)
    right_in_5, answers = 0, []
    loader = BatchLoader(
        judged,
        batch_size,
        (height, width),
        channels,
        crop_fraction=predictor.crop_fraction,
    )
    with data_errors():
        for images, labels in batches(loader).as_numpy_iterator():
            scores = predictor.probabilities(images)
            true = true_index[labels]
            answers.append(Answers.from_probabilities(true, scores))
            np.add.at(confusion, (true, answers[-1].predicted), 1)
            best = np.argsort(-scores, axis=-1, kind="stable")[:, :5]
            right_in_5 += (best == true[:, None]).any(-1).sum()
    total = confusion.sum()
    return Evaluation(
        accuracy=float(np.trace(confusion) / total),
        top5_accuracy=float(right_in_5 / total) if len(index_of) > 5 else None,
        confusion=confusion,
        class_names=predictor.class_names,
        notes=dataset.notes,
        answers=Answers.joined(answers),
        split=split,
    )
