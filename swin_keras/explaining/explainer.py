"""Explainer: one way to ask any model why, whatever the method and the file."""

import logging
from pathlib import Path

import keras
import numpy as np
from keras import ops

from swin_keras.errors import ModelFileError, UsageError, nearest_name
from swin_keras.explaining.attention import attention_steps, query_attention
from swin_keras.explaining.class_map import class_map_model
from swin_keras.explaining.gradient_map import (
    class_score,
    gradient_maps,
    stage_blocks,
)
from swin_keras.explaining.logit_model import logit_model
from swin_keras.explaining.methods import CLASS_BLIND, check_method
from swin_keras.explaining.row_vectors import roll_out
from swin_keras.inference.predictor import find_keras_model
from swin_keras.inference.runtimes import open_model
from swin_keras.model_files import load_keras, read_card
from swin_keras.model_files.card import CLASS_MAPS

log = logging.getLogger(__name__)
NO_NORMALIZATION = (
    "%s has no layer that normalizes images. `explain` gives it 0..255 all the same: "
    "if it was trained on other values, normalize as then and call `Explainer.maps`."
)


class Explainer:
    """A model that can be asked why.

    Args:
        model: A `keras.Model`, or the path of a run, an export or a `.keras` file.
            Of other files, those with class maps inside (`swin-keras export
            --explain`) can be asked by method "cam".
        class_names: Names of the classes; `None` for the card's, else numbers.
        trust: Whether a SavedModel may hold operations that do more than compute.

    Attributes:
        card: The model's `ModelCard`, or `None`.
        class_names: Names in the order of the outputs; empty for models that do
            not classify whole images.
        input_shape: `(height, width, channels)` of the images it takes.

    Raises:
        ModelFileError: If there is no such model, or it cannot be explained.
        UsageError: If it is no graph of plain layers.
    """

    def __init__(self, model, class_names=None, *, trust: bool = False):
        self.card = None
        self._file = self._model = self._logits = self._maps = None
        if hasattr(model, "layers"):
            self.name, self._model = model.name, model
            takes_raw = _normalizes(model)
        else:
            self._open(Path(model), trust)
            takes_raw = self.card is None or self.card.normalizes
        if not takes_raw:
            log.warning(NO_NORMALIZATION, self.name)
        source = self._model or self._file
        shape = tuple(source.input_shape)
        self.input_shape = shape[1:] if self._model else shape
        classes = self._classes()
        names = class_names or (self.card and self.card.class_names)
        if not classes:  # of whole images: masks and boxes are maps themselves
            names = ()
        self.class_names = tuple(names or map(str, range(classes)))
        if classes and len(self.class_names) != classes:
            raise UsageError(
                f"Each of the model's {classes} classes must have a name. Received: "
                f"{len(self.class_names)} names for {self.name}."
            )

    def _open(self, path, trust):
        path = find_keras_model(path)
        self.name, self.card = str(path), read_card(path)
        if path.suffix == ".keras":
            self._model = load_keras(path)
            return
        self._file = open_model(path, trust=trust)
        if CLASS_MAPS not in self._file.outputs:
            raise ModelFileError(
                "A model is explained in Keras, or by the class maps inside its file. "
                f"Received: {path}, which has none. Give the run or the model.keras "
                "of its export, or export it again with --explain."
            )

    def _classes(self) -> int:
        if self._file:
            return self._file.outputs[CLASS_MAPS][-1]
        shape = self._model.output_shape
        return shape[-1] if isinstance(shape, tuple) and len(shape) == 2 else 0

    def class_index(self, name) -> int:
        """Return the place of a class among the outputs.

        Raises:
            UsageError: If there is no such class, with the nearest name.
        """
        if name not in self.class_names:
            known = ", ".join(self.class_names[:20])
            more = ", ..." if len(self.class_names) > 20 else ""
            raise UsageError(
                f"The model knows no class {str(name)[:100]!r}."
                f"{nearest_name(name, self.class_names)} It knows: {known}{more}."
            )
        return self.class_names.index(name)

    def probabilities(self, images) -> np.ndarray:
        """Return the model's own answers, `(B, classes)`, for `(B, H, W, C)`."""
        images = np.asarray(images, "float32")
        if self._file:
            outputs = {**self._file(images)}
            del outputs[CLASS_MAPS]
            (answers,) = outputs.values()
            return answers
        return ops.convert_to_numpy(self._model(images, training=False))

    def check(self, method: str, stage=None, at=None):
        """Refuse a method that this model cannot do, before anything is computed.

        Raises:
            UsageError: If there is no such method, or it takes no such option.
            ModelFileError: If the method needs Keras and the model is another file.
        """
        check_method(method, stage, at)
        if self._file and method != "cam":
            raise ModelFileError(
                f'Method "{method}" needs gradients or attention, which only Keras '
                f"gives. Received: {self.name}. Give the run or the model.keras of "
                'its export, or ask for method "cam".'
            )
        if method not in CLASS_BLIND and not self.class_names:
            raise UsageError(
                f'Method "{method}" explains a class of the whole image, and '
                f"{self.name} gives none. Give a classifier, or ask for method "
                '"rollout" or "attention".'
            )

    def maps(self, images, classes=None, *, method="cam", stage=None) -> np.ndarray:
        """Return one map for each image, `(B, h, w)` float32.

        Args:
            images: `(B, H, W, C)`, 0..255, as the model takes them.
            classes: Index of the class to explain for each image, `(B,)`; rollout
                needs none.
            method: Any of `METHODS` but "attention".
            stage: Of "grad-cam" and "hires-cam": the stage whose map is weighed;
                `None` for the tokens before the head.
        """
        self.check(method, stage)
        images = np.asarray(images, "float32")
        if method == "cam":
            return np.take_along_axis(
                self._class_maps(images), np.reshape(classes, (-1, 1, 1, 1)), -1
            )[..., 0]
        model = self._logit_model()
        if method in ("grad-cam", "hires-cam"):
            return gradient_maps(
                *(model, images, class_score(classes)),
                stage=stage,
                by_place=method == "hires-cam",
            )
        if method == "rollout":
            *_, last = stage_blocks(model).values()
            row = np.ones((len(images), *last[-1].output.shape[1:3]))
            steps = attention_steps(model, images)
        else:
            row = np.maximum(self.maps(images, classes, method="grad-cam"), 0)
            steps = attention_steps(model, images, class_score(classes))
        return roll_out(steps, _summing_to_1(row)).astype("float32")

    def query_maps(self, images, at, stage=None) -> dict[str, np.ndarray]:
        """Return where one token looks; see `query_attention`."""
        self.check("attention", stage, at)
        return query_attention(self._logit_model(), images, at, stage)

    def _class_maps(self, images):
        if self._file:
            return self._file(images)[CLASS_MAPS]
        self._maps = self._maps or class_map_model(self._model)
        return ops.convert_to_numpy(self._maps(images, training=False)[CLASS_MAPS])

    def _logit_model(self):
        self._logits = self._logits or logit_model(self._model)
        return self._logits


def _normalizes(model) -> bool:
    kinds = (keras.layers.Normalization, keras.layers.Rescaling)
    return any(isinstance(layer, kinds) for layer in model.layers)


def _summing_to_1(row):
    """Scale each image's row; where nothing is above 0, all tokens count alike."""
    sums = row.sum((1, 2), keepdims=True)
    return np.where(sums > 0, row / np.where(sums > 0, sums, 1), 1 / row[0].size)
