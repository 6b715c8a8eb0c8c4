"""Predictor: any trained or exported model, one way to ask it."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swin_keras.data import ImageError, load_image, scaling_message
from swin_keras.data.listing import list_images
from swin_keras.errors import DataError, ModelFileError, UsageError, nearest_name
from swin_keras.model_files import read_card
from swin_keras.runtimes import open_model


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image.

    Args:
        path: The image.
        scores: `(class name, probability)`, best first; empty after an error.
        error: Why the image could not be read, or `None`.
    """

    path: str
    scores: tuple[tuple[str, float], ...] = ()
    error: str | None = None


class Predictor:
    """A model file of any form, with its class names and its preprocessing.

    Args:
        path: A `.keras` or `.tflite` file, a SavedModel, a run's folder or an
            export's folder (which is run by LiteRT, the fastest on a CPU).
        threads: Threads of the LiteRT runtime; `None` for one a core.

    Attributes:
        card: The model's `ModelCard`, or `None`.
        class_names: Names in the order of the outputs.
        input_shape: `(height, width, channels)` of the images it takes.

    Raises:
        ModelFileError: If it is no model, damaged, or takes no images.

    Example:

    ```python
    predictor = Predictor("saved_models/digits")
    for prediction in predictor.predict(["a.png", "b.jpg"]):
        print(prediction.path, prediction.scores[0])
    ```
    """

    def __init__(self, path, threads: int | None = None):
        self.path = Path(path)
        self._run = open_model(find_model(self.path), threads)
        self.input_shape = self._run.input_shape
        self.card = read_card(self._run.path) or read_card(self.path)
        classes = self._classes()
        if self.card is None:
            self.class_names = tuple(str(index) for index in range(classes))
        else:
            self.class_names = self.card.class_names
        if len(self.class_names) != classes:
            raise ModelFileError(
                f"The card of {self.path} must name each of the model's {classes} "
                f"outputs. It names {len(self.class_names)}. Export the model again."
            )

    def _classes(self) -> int:
        shapes = list(self._run.outputs.values())
        if len(shapes) != 1 or len(shapes[0]) != 1:
            raise ModelFileError(
                "A classifier must give one row of numbers for each image. "
                f"{self._run.path} gives {self._run.outputs}."
            )
        return shapes[0][0]

    @property
    def crop_fraction(self) -> float:
        """Share of an image that the centre crop keeps before resizing."""
        return self.card.crop_fraction if self.card else 1.0

    @property
    def grey_range(self) -> tuple[float, float] | None:
        """Values of black and white in grey images of more than 8 bits."""
        return self.card.grey_range if self.card else None

    @property
    def form(self) -> str:
        """What runs the model: "keras", "saved_model", "litert" or "onnx"."""
        return self._run.form

    def probabilities(self, images) -> np.ndarray:
        """Return `(B, classes)` for images `(B, H, W, C)`, 0..255.

        Raises:
            UsageError: If the images are not of the model's size.
            ModelFileError: If the model's answers are no numbers.
        """
        images = np.asarray(images)
        if images.shape[1:] != self.input_shape:
            raise UsageError(
                "Images must have the shape (batch, height, width, channels) of the "
                f"model, {('batch', *self.input_shape)}. Received: {images.shape}."
            )
        if message := scaling_message(images):
            warnings.warn(message, stacklevel=2)
        (probabilities,) = self._run(images.astype(np.float32)).values()
        if not np.isfinite(probabilities).all():
            raise ModelFileError(
                "A model must answer with finite numbers. Those of "
                f"{self._run.path} are not: it is damaged, its training failed, "
                "or the images hold such numbers."
            )
        return probabilities

    def predict(self, paths: Iterable, top: int = 5, batch_size: int = 32):
        """Yield a `Prediction` for each image, in order.

        Args:
            paths: Image files and folders; folders are searched for images.
            top: How many of the best classes to name.
            batch_size: Images that are run together.

        Raises:
            DataError: If a path does not exist, or a folder holds no image.
        """
        files = [file for path in paths for file in image_files(Path(path))]
        for start in range(0, len(files), batch_size):
            yield from self._predict_batch(files[start : start + batch_size], top)

    def _predict_batch(self, files, top):
        height, width, channels = self.input_shape
        images, errors = [], {}
        for file in files:
            try:
                images.append(
                    load_image(
                        file,
                        (height, width),
                        channels,
                        self.crop_fraction,
                        self.grey_range,
                    )
                )
            except ImageError as error:
                errors[file] = error.reason
        rows = iter(self.probabilities(np.stack(images)) if images else ())
        for file in files:
            if file in errors:
                yield Prediction(str(file), error=errors[file])
            else:
                row = next(rows)
                best = np.argsort(-row, kind="stable")[:top]
                scores = tuple((self.class_names[i], float(row[i])) for i in best)
                yield Prediction(str(file), scores)


def image_files(path: Path) -> list[Path]:
    """Return a file itself, or the images at any depth of a folder, sorted.

    Raises:
        DataError: If there is no such path, or no image in the folder.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"There is no image or folder {path}.")
    files = [path / name for name in list_images(path, "")]
    if not files:
        raise DataError(f"The folder {path} holds no images.")
    return files


def _may_be_model(path):
    return path.is_dir() or path.suffix in (".keras", ".tflite", ".onnx")


def find_model(path: Path) -> Path:
    """Return the model in a folder: of a run, an export or a SavedModel.

    Raises:
        ModelFileError: If there is none.
    """
    if not path.exists():
        siblings = [p.name for p in path.parent.glob("*") if _may_be_model(p)]
        raise ModelFileError(
            f"There is no model {path}.{nearest_name(path.name, siblings)}"
        )
    if not path.is_dir():
        return path
    if (path / "saved_model.pb").is_file():
        return path
    for name in ("model.tflite", "model.keras", "saved_model/1", "best.keras"):
        if (path / name).exists():
            return path / name
    raise ModelFileError(
        f"A model folder must hold a run's best.keras, an export's model.tflite or "
        f"a SavedModel. Received: {path}."
    )
