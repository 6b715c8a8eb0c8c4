"""Explainer: one way to ask any model why, whatever the method and the file."""

import numpy as np
from keras import ops

from swin_keras.errors import ModelFileError, UsageError
from swin_keras.explaining.attention import attention_steps, query_attention
from swin_keras.explaining.class_map import class_map_model, take_head, tokens_and_head
from swin_keras.explaining.explained_model import ExplainedModel
from swin_keras.explaining.gradient_map import (
    gradient_maps,
    stage_blocks,
    target_score,
)
from swin_keras.explaining.logit_model import logit_model, update_copy
from swin_keras.explaining.methods import check_method, check_task
from swin_keras.explaining.regions import share_of_cells
from swin_keras.explaining.row_vectors import roll_out
from swin_keras.model_files.card import CLASS_MAPS
from swin_keras.tasks.explained import ExplanationTarget, Question, class_target


class Explainer(ExplainedModel):
    """A model that can be asked why.

    Args:
        model: A `keras.Model`, or the path of a run, an export or a `.keras` file.
            Of other files, those with class maps inside (`swin-keras export
            --explain`) can be asked by method "cam".
        class_names: Names of the classes; `None` for the card's, else numbers.
        trust: Whether a SavedModel may hold operations that do more than compute.
        task: What a model without a card answers: "classify", "segment" or "detect".

    Attributes:
        card: The model's `ModelCard`, or `None`.
        task: What kind of answer it gives.
        class_names: Names in the order of the outputs; empty for feature maps. One
            that several classes share is followed by the class's number.
        input_shape: `(height, width, channels)` of the images it takes.

    Raises:
        ModelFileError: If there is no such model, or it cannot be explained.
        UsageError: If it is not a graph of plain layers, or not a model for the task.
    """

    def __init__(self, model, class_names=None, *, trust: bool = False, task=None):
        super().__init__(model, class_names, trust=trust, task=task)
        self._logits = self._maps = None

    def check(self, method: str, stage=None, at=None, **asked):
        """Refuse a method that this model cannot do, before anything is computed.

        Args:
            method: One of `METHODS`.
            stage: See `maps`.
            at: See `query_maps`.
            **asked: `class_name`, `box` and `region` of the question.

        Raises:
            UsageError: If there is no such method, or it takes no such option.
            ModelFileError: If the method needs Keras and the model is another file.
        """
        check_method(method, stage, at)
        if self.file and method != "cam":
            raise ModelFileError(
                f'Method "{method}" needs gradients or attention, which only Keras '
                f"gives. Received: {self.name}. Give the run or the model.keras of "
                'its export, or ask for method "cam".'
            )
        check_task(self.task, method, **asked)

    def targets(self, images, **question) -> list[list[ExplanationTarget]]:
        """Return which answers about each image are explained, the best first.

        Args:
            images: `(B, H, W, C)`, 0..255, as the model takes them.
            **question: Fields of a `Question`: `class_index`, `top`, `box`, `region`.
        """
        return self.targets_in(self.outputs(images), Question(**question))

    def targets_in(self, outputs: dict, question: Question) -> list[list]:
        """Do what `targets` does with outputs that are known already."""
        count = len(next(iter(outputs.values())))
        rows = [{name: v[i] for name, v in outputs.items()} for i in range(count)]
        return [self.task.explanation_targets(row, self, question) for row in rows]

    def maps(self, images, targets=None, *, method="cam", stage=None) -> np.ndarray:
        """Return one map for each image, `(B, h, w)` float32.

        Args:
            images: `(B, H, W, C)`, 0..255, as the model takes them.
            targets: What of each image is explained, `(B,)`: an `ExplanationTarget`,
                or the index of a class of the whole image. A classifier's rollout
                needs none.
            method: Any of `METHODS` but "attention".
            stage: Of "grad-cam" and "hires-cam": the stage whose map is weighed;
                `None` for the tokens before a classifier's head, and the last stage
                of another model.
        """
        self.check(method, stage)
        images = np.asarray(images, "float32")
        targets = [_as_target(one) for one in ([] if targets is None else targets)]
        if len(targets) != len(images) and (targets or method != "rollout"):
            raise UsageError(
                "`targets` must be one for each image, such as the index of a class; "
                f'only "rollout" of a classifier needs none. Received: {len(targets)} '
                f"for {len(images)} images."
            )
        if method == "cam":
            classes = [target.class_index for target in targets]
            return np.take_along_axis(
                self._class_maps(images), np.reshape(classes, (-1, 1, 1, 1)), -1
            )[..., 0]
        model = self._logit_model()
        if method in ("grad-cam", "hires-cam"):
            return gradient_maps(
                model,
                images,
                target_score(targets),
                stage=stage,
                by_place=method == "hires-cam",
            )
        if method == "rollout":
            *_, last = stage_blocks(model).values()
            row = self._start(targets, len(images), last[-1].output.shape[1:3])
            steps = attention_steps(model, images)
        else:
            row = np.maximum(self.maps(images, targets, method="grad-cam"), 0)
            steps = attention_steps(model, images, target_score(targets))
        return roll_out(steps, _summing_to_1(row)).astype("float32")

    def query_maps(self, images, at, stage=None) -> dict[str, np.ndarray]:
        """Return where one token looks; see `query_attention`."""
        self.check("attention", stage, at)
        return query_attention(self._logit_model(), images, at, stage)

    def _start(self, targets, count, size):
        """Return a row over the last map: the tokens that an answer lies on."""
        if not targets:
            return np.ones((count, *size))
        reached = self.reach(size)
        return np.stack([share_of_cells(target, size, reached) for target in targets])

    def _class_maps(self, images):
        if self.file:
            return self.file(images)[CLASS_MAPS]
        if self._maps:
            take_head(self._maps.get_layer(CLASS_MAPS), tokens_and_head(self.model)[1])
        else:
            self._maps = class_map_model(self.model)
        return ops.convert_to_numpy(self._maps(images, training=False)[CLASS_MAPS])

    def _logit_model(self):
        if self._logits:
            update_copy(self._logits, self.model)
        else:
            self._logits = logit_model(self.model)
        return self._logits


def _as_target(target) -> ExplanationTarget:
    if isinstance(target, ExplanationTarget):
        return target
    return class_target(int(target), str(target))


def _summing_to_1(row):
    """Scale each image's row; where nothing is above 0, all tokens count alike."""
    sums = row.sum((1, 2), keepdims=True)
    return np.where(sums > 0, row / np.where(sums > 0, sums, 1), 1 / row[0].size)
