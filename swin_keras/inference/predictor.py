"""Predictor: any trained or exported model, one way to ask it."""

import functools
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from numbers import Integral

import numpy as np

from swin_keras.cores import usable_cores
from swin_keras.data import ImageError, scaling_message
from swin_keras.errors import ModelFileError, UsageError
from swin_keras.inference.model_paths import find_model, path_of_model
from swin_keras.inference.opening import open_with_card
from swin_keras.inference.pictures import image_files, is_taken, pictures, refusal
from swin_keras.inference.runtimes import without_maps
from swin_keras.model_files.preparation import CardPreparation
from swin_keras.names import distinct_names
from swin_keras.tasks import task_named
from swin_keras.tasks.prediction import Prediction
from swin_keras.tasks.task import Task
from swin_keras.tasks.views import ONE_VIEW, Views
from swin_keras.tasks.wanted import wanted_of

log = logging.getLogger(__name__)
__all__ = ["Prediction", "Predictor", "find_model", "image_files"]


class Predictor(CardPreparation):
    """A model file of any form, with its class names and its preprocessing.

    Threads may share it. Pickled, as for a process that `multiprocessing` spawns, it
    opens its file anew there. After `os.fork` a `.tflite` file answers in the child as
    in the parent; other forms refuse, since TensorFlow and ONNX Runtime would
    wait there for ever.

    Args:
        path: A `.keras`, `.tflite` or `.onnx` file, a SavedModel, a run's folder or
            an export's folder (whose `model.tflite` is run, the fastest on a CPU, and
            without one, or beside a GPU, its Keras model).
        threads: Threads of the LiteRT or ONNX runtime; `None` for one a core.
        trust: Whether a SavedModel may hold operations that do more than
            compute, such as reading and writing files.

    Attributes:
        card: The model's `ModelCard`, or `None`.
        class_names: Names in the order of the outputs; one that several classes
            share is followed by the class's number.
        task: What kind of answer it gives.
        input_shape: `(height, width, channels)` of the images it takes.
        normalizes: Whether it normalizes images 0..255 itself, as far as is known.
        gives_logits: Whether what it calls probabilities are its logits, since it ends
            in no softmax or sigmoid.

    Raises:
        ModelFileError: If it is not a model, damaged, not what its export's card
            lists, takes no images, or needs trust.

    Example:

    ```python
    predictor = Predictor("saved_models/digits")
    for prediction in predictor.predict(["a.png", "b.jpg"]):
        print(prediction.path, prediction.scores[0])
    ```
    """

    def __init__(self, path, threads: int | None = None, *, trust: bool = False):
        self.path = path_of_model(path)
        self._options = {"threads": threads, "trust": trust}
        self._run, self.card = open_with_card(self.path, threads, trust)
        self.input_shape = self._run.input_shape
        if None in self.input_shape:
            raise ModelFileError(
                "A model must take images of one size. Received: "
                f"{self._run.path}, which takes {self.input_shape}."
            )
        self.task = self._task()
        classes = self._classes()
        if classes == 0:
            raise ModelFileError(
                f"A model must answer about pictures. {self._run.path} gives feature "
                f"maps: {', '.join(self._run.outputs)}."
            )
        if self.card is None:
            self.class_names = tuple(str(index) for index in range(classes))
        else:
            self.class_names = distinct_names(self.card.class_names)
        if classes is not None and len(self.class_names) != classes:
            raise ModelFileError(
                f"The card of {self.path} must name each of the model's {classes} "
                f"outputs. It names {len(self.class_names)}. Export the model again."
            )
        self.gives_logits = self.task.gives_probabilities and self._ends_in_logits()
        if self.gives_logits:
            log.warning(
                "%s ends in no softmax or sigmoid: its numbers are no probabilities.",
                self.path,
            )
        # Of a Keras model it is known; the card of another file says it.
        stated = self.card is None or self.card.normalizes
        self.normalizes = getattr(self._run, "normalizes", stated)
        if not self.normalizes:
            log.warning(
                "%s has no layer that normalizes images, and is given 0..255 all the "
                "same. If it was trained on other values, its answers are wrong: "
                "normalize as then, and call `Predictor.probabilities`.",
                self.path,
            )

    def __reduce__(self):
        opened = functools.partial(type(self), **self._options)
        return opened, (os.path.abspath(self.path),)

    def _task(self) -> Task:
        try:
            return task_named(self.card.task if self.card else "classify")
        except UsageError as error:
            raise ModelFileError(
                f"The card of {self.path} must name a task that this version knows. "
                f"{error}"
            ) from error

    def _classes(self) -> int | None:
        try:
            return self.task.class_count(without_maps(self._run.outputs))
        except ValueError as error:
            raise ModelFileError(
                f"{error}. {self._run.path} gives {self._run.outputs}."
            ) from error

    def _ends_in_logits(self) -> bool:
        if self.card and self.card.outputs:
            return "outputs" in self.card.outputs
        return getattr(self._run, "ends_in_logits", False)

    @property
    def form(self) -> str:
        """What runs the model: "keras", "saved_model", "litert" or "onnx"."""
        return self._run.form

    def expect(self, batch_size: int):
        """Prepare for batches of this many images or fewer, where XLA compiles."""
        if getattr(self._run, "padding", None):
            self._run.padding.expect(batch_size)

    def probabilities(self, images) -> np.ndarray:
        """Return `(B, classes)` for images `(B, H, W, C)`, 0..255.

        Raises:
            UsageError: If there is no image, they are not of the model's size, or the
                model has several outputs; see `outputs`.
            ModelFileError: If the model's answers are not finite.
        """
        found = self.outputs(images)
        if len(found) != 1:
            raise UsageError(
                "`probabilities` is for models with one output; `outputs` gives all. "
                f"{self._run.path} has {', '.join(found)}."
            )
        return next(iter(found.values()))

    def outputs(self, images) -> dict[str, np.ndarray]:
        """Return the model's outputs by name for images `(B, H, W, C)`, 0..255.

        Raises:
            UsageError: If there is no image, or they are not of the model's size.
            ModelFileError: If the model's answers are not finite.
        """
        images = np.asarray(images)
        if images.shape[1:] != self.input_shape:
            raise UsageError(
                "Images must have the shape (batch, height, width, channels) of the "
                f"model, {('batch', *self.input_shape)}. Received: {images.shape}."
            )
        if not len(images):
            raise UsageError("There must be at least one image. Received none.")
        if self.normalizes and (message := scaling_message(images)):
            warnings.warn(message, stacklevel=2)
        found = without_maps(self._run(images.astype(np.float32)))
        if not all(np.isfinite(values).all() for values in found.values()):
            raise ModelFileError(
                "A model must answer with finite numbers. Those of "
                f"{self._run.path} are not: it is damaged, its training failed, "
                "or the images hold such numbers."
            )
        return found

    def predict(
        self,
        images,
        top: int = 5,
        batch_size: int = 32,
        window: str = "whole",
        min_score: float | None = None,
        flip: bool = False,
        quarter_turns: bool = False,
        scales: Sequence[float] = (1.0,),
    ):
        """Yield a `Prediction` for each image, in order.

        All are prepared as in training: upright, in the model's channels, cut
        around the centre and resized. Only a large JPEG differs a little by where
        it comes from: from a file or bytes it is decoded at a smaller size, which a
        Pillow image or an array has behind it.

        Args:
            images: One or an iterable of: paths of image files and of folders, which
                are searched for images; bytes of image files; open files; Pillow
                images; arrays `(H, W, C)` or `(B, H, W, C)`, 0..255, with 1, 3 or 4
                channels, whose floats are rounded. An iterator is read a batch at a
                time.
            top: How many of the best classes to name; boxes are all there.
            batch_size: Images that are run together.
            window: How a segmenter or detector looks at a picture: "whole", made to
                fit its input; or "slide", through overlapping windows at the
                picture's own scale, whose answers are merged.
            min_score: Score from which on a box is named, by default 0.3, or one of
                several classes is there, by default 0.5. Boxes below 0.05 are never
                found. An object that one of several views shows has that share of
                its score.
            flip: Whether a segmenter or detector looks at each picture mirrored, too.
                Probabilities are averaged; boxes of one object become their mean.
            quarter_turns: Whether it looks at each turned by 90, 180 and 270
                degrees, too: for pictures without an up and down.
            scales: Sizes at which windows slide over a picture, such as
                (0.75, 1.0, 1.25); 1 is its own.

        Raises:
            DataError: If a path does not exist, or a folder holds no image.
            UsageError: If something else is given; the message says what is taken.
        """
        if not is_taken(images):
            raise refusal(type(images).__name__)
        if not isinstance(batch_size, Integral) or batch_size < 1:
            raise UsageError(
                "`batch_size` must be a whole number of at least 1. "
                f"Received: batch_size={batch_size!r}."
            )
        wanted = wanted_of(self.task, top, min_score)
        views = Views(window, flip, scales, quarter_turns)
        self.task.check_views(views)
        given = pictures(images)
        if isinstance(images, Sequence):  # wrong paths are told before the first answer
            given = iter(list(given))
        if views == ONE_VIEW:
            return self._predictions(given, wanted, batch_size)
        return (self._by_views(picture, views, wanted, batch_size) for picture in given)

    def _by_views(self, picture, views, wanted, batch_size) -> Prediction:
        try:
            return self.task.predict_views(picture, self, views, wanted, batch_size)
        except ImageError as error:
            return Prediction(picture.name, error=error.reason)

    def _predictions(self, given, wanted, batch_size) -> Iterator[Prediction]:
        readers = ThreadPoolExecutor(usable_cores())
        try:
            while batch := list(islice(given, batch_size)):
                yield from self._predict_batch(batch, wanted, readers)
        finally:  # an error or Ctrl-C does not wait for the rest of a batch
            readers.shutdown(cancel_futures=True)

    def _predict_batch(self, batch, wanted, readers):
        begun = {  # others are objects of the caller, which threads may share
            place: readers.submit(self.task.read, picture, self)
            for place, picture in enumerate(batch)
            if len(batch) > 1 and picture.is_file
        }
        images, seen, errors = [], [], {}
        for place, picture in enumerate(batch):
            try:
                reading = begun.get(place)
                pixels, size = (
                    reading.result() if reading else self.task.read(picture, self)
                )
                images.append(pixels)
                seen.append((picture.name, size))
            except ImageError as error:
                errors[place] = error.reason
        answers = iter(())
        if images:
            outputs = self.outputs(np.stack(images))
            answers = iter(self.task.predictions(outputs, seen, self, wanted))
        for place, picture in enumerate(batch):
            if place in errors:
                yield Prediction(picture.name, error=errors[place])
            else:
                yield next(answers)
