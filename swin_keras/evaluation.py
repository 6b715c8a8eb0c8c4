"""Evaluate any model on any data set: `swin-keras evaluate`."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from swin_keras.answers import Answers
from swin_keras.data import ImageDataset, batches, data_errors, load_dataset
from swin_keras.errors import DataError, UsageError
from swin_keras.inference import Predictor


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
        top5_accuracy: Share of images whose class is among the best five.
        confusion: Number of images, true class by predicted class
            `(classes, classes)`, in the order of the model's class names.
        class_names: The model's class names.
        notes: What was decided about the data on the way.
        answers: What the model said of each image.
    """

    accuracy: float
    top5_accuracy: float
    confusion: np.ndarray
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    answers: Answers | None = None

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
    model, data=None, *, data_dir=None, split="test", batch_size=32, trust=False
):
    """Evaluate a trained or exported model.

    Args:
        model: A run's folder, an export's folder or a model file.
        data: A folder of images or the name of a data set; `None` is the data
            that the model was trained on, with the same split.
        data_dir: Where named data sets are kept.
        split: "test", "val" or "train".
        batch_size: Images that are run together.
        trust: Whether a SavedModel may hold operations that do more than compute.

    Returns:
        An `Evaluation`.

    Raises:
        ModelFileError: If there is no such model.
        DataError: If the data has a class that the model does not know.
        UsageError: If the model does not tell what it was trained on.
    """
    predictor = Predictor(model, trust=trust)
    trained_on = predictor.card.train if predictor.card else {}
    if data is None and not trained_on.get("data"):
        raise UsageError(
            f"{model} does not tell what it was trained on. Name the data: --data."
        )
    if data is None:
        data = trained_on["data"]
        data_dir = data_dir or trained_on.get("data_dir")
    dataset = load_dataset(data, data_dir=data_dir, seed=trained_on.get("seed", 0))
    return evaluate_dataset(predictor, dataset, split, batch_size)


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
    height, width, channels = predictor.input_shape
    confusion = np.zeros((len(index_of),) * 2, int)
    right_in_5, answers = 0, []
    with data_errors():
        for images, labels in batches(
            dataset.splits[split],
            batch_size,
            (height, width),
            channels,
            crop_fraction=predictor.crop_fraction,
        ).as_numpy_iterator():
            scores = predictor.probabilities(images)
            true = true_index[labels]
            answers.append(Answers.from_probabilities(true, scores))
            np.add.at(confusion, (true, answers[-1].predicted), 1)
            best = np.argsort(-scores, axis=-1, kind="stable")[:, :5]
            right_in_5 += (best == true[:, None]).any(-1).sum()
    total = confusion.sum()
    return Evaluation(
        accuracy=float(np.trace(confusion) / total),
        top5_accuracy=float(right_in_5 / total),
        confusion=confusion,
        class_names=predictor.class_names,
        notes=dataset.notes,
        answers=Answers.joined(answers),
    )
