"""Predictor: any trained or exported model, one way to ask it."""

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swin_keras.data import ImageError, load_image, scaling_message
from swin_keras.data.listing import list_images
from swin_keras.errors import DataError, ModelFileError, UsageError, nearest_name
from swin_keras.model_files import load_keras, read_card, require_file


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
        self._run = _open_model(find_model(self.path), threads)
        self.input_shape = self._run.input_shape
        self.card = read_card(self._run.path) or read_card(self.path)
        classes = self._run.classes
        if self.card is None:
            self.class_names = tuple(str(index) for index in range(classes))
        else:
            self.class_names = self.card.class_names
        if len(self.class_names) != classes:
            raise ModelFileError(
                f"The card of {self.path} must name each of the model's {classes} "
                f"outputs. It names {len(self.class_names)}. Export the model again."
            )

    @property
    def crop_fraction(self) -> float:
        """Share of an image that the centre crop keeps before resizing."""
        return self.card.crop_fraction if self.card else 1.0

    @property
    def form(self) -> str:
        """What runs the model: "keras", "saved_model" or "litert"."""
        return self._run.form

    def probabilities(self, images) -> np.ndarray:
        """Return `(B, classes)` for images `(B, H, W, C)`, 0..255.

        Raises:
            UsageError: If the images are not of the model's size.
        """
        images = np.asarray(images)
        if images.shape[1:] != self.input_shape:
            raise UsageError(
                "Images must have the shape (batch, height, width, channels) of the "
                f"model, {('batch', *self.input_shape)}. Received: {images.shape}."
            )
        if message := scaling_message(images):
            warnings.warn(message, stacklevel=2)
        return self._run(images.astype(np.float32))

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
                    load_image(file, (height, width), channels, self.crop_fraction)
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


def find_model(path: Path) -> Path:
    """Return the model in a folder: of a run, an export or a SavedModel.

    Raises:
        ModelFileError: If there is none.
    """
    if not path.exists():
        siblings = [p.name for p in path.parent.glob("*")]
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


def _open_model(path: Path, threads):
    if path.is_dir():
        return _SavedModel(path)
    if path.suffix == ".keras":
        return _KerasModel(path)
    if path.suffix == ".tflite":
        return _LiteRTModel(path, threads)
    require_file(path)
    raise ModelFileError(
        "A model must be a .keras file, a .tflite file or the folder of a run, an "
        f"export or a SavedModel. Received: {path}."
    )


class _KerasModel:
    form = "keras"

    def __init__(self, path):
        self.path = path
        self._model = load_keras(path)
        self.input_shape = tuple(self._model.input_shape[1:])
        self.classes = self._model.output_shape[-1]

    def __call__(self, images):
        return self._model.predict_on_batch(images)


class _SavedModel:
    form = "saved_model"

    def __init__(self, path):
        import tensorflow as tf

        self.path = path
        try:
            self._model = tf.saved_model.load(str(path))
            specs = self._model.serve.input_signature
        except Exception as error:
            raise ModelFileError(
                "A SavedModel must be complete and have the endpoint `serve`, as "
                f"`swin-keras export` writes it. Received: {path} ({error})."
            ) from error
        self.input_shape = tuple(specs[0].shape[1:])
        self.classes = self._model.serve(np.zeros((1, *self.input_shape), "f4")).shape[
            1
        ]

    def __call__(self, images):
        return self._model.serve(images).numpy()


class _LiteRTModel:
    form = "litert"

    def __init__(self, path, threads):
        from ai_edge_litert.interpreter import Interpreter

        self.path = path
        require_file(path)
        try:
            self._interpreter = Interpreter(
                model_path=str(path), num_threads=threads or os.cpu_count()
            )
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelFileError(
                "A .tflite file must be complete and use built-in operations only. "
                f"Received: {path} ({str(error).splitlines()[0]})."
            ) from error
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self.input_shape = tuple(int(side) for side in self._input["shape"][1:])
        self.classes = int(self._output["shape"][-1])

    def __call__(self, images):
        return np.concatenate([self._one(image[None]) for image in images])

    def _one(self, image):
        self._interpreter.set_tensor(self._input["index"], image)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output["index"])
