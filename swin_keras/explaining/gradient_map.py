"""Grad-CAM and HiResCAM: which places of a stage's feature map raise a score."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from swin_keras.errors import UsageError
from swin_keras.explaining.class_map import find_head


def class_score(classes):
    """Return the score that is one class's logit for each image.

    A score is a function from a model's outputs to one number for each image, `(B,)`.

    Args:
        classes: Index of the class for each image, `(B,)`.
    """
    columns = np.asarray(classes, "int32")
    return lambda logits: ops.take_along_axis(logits, columns[:, None], axis=1)[:, 0]


def target_score(targets):
    """Return the score that is an `ExplanationTarget` of each image.

    Args:
        targets: One for each image, all about the same output.
    """
    output = targets[0].output
    places = np.stack([target.places for target in targets])  # (B, ...)
    classes = np.array([target.class_index for target in targets], "int32")
    columns = classes.reshape((-1,) + (1,) * places.ndim)

    def score(outputs):
        logits = outputs[output] if output else outputs
        of_class = ops.take_along_axis(logits, columns, axis=-1)[..., 0]
        return ops.sum(ops.reshape(of_class * places, (len(places), -1)), axis=-1)

    return score


def gradient_maps(model, images, target, *, stage=None, by_place=False) -> np.ndarray:
    """Weigh a feature map by the gradient of a score.

    Grad-CAM gives each channel one weight, its mean gradient over the places, and
    adds up `weight * activation`; HiResCAM multiplies place by place. At the tokens
    before a classifier's head both are the class map without its bias.

    Args:
        model: What `logit_model` returns.
        images: `(B, H, W, channels)`, as the model takes them.
        target: A function from the model's outputs to `(B,)`, see `class_score`.
        stage: Stage whose output is weighed, from 1; `None` for the tokens before a
            classifier's head, and the last stage of another model.
        by_place: Whether to multiply place by place: HiResCAM.

    Returns:
        `(B, h, w)` float32, with sign: what is above 0 raises the score. The sum
        over places is divided by their number, as in the class map.

    Raises:
        UsageError: If there is no such stage, or Keras is not on TensorFlow.

    Reference:
        Selvaraju et al., 2016: https://arxiv.org/abs/1610.02391
        Draelos and Carin, 2020: https://arxiv.org/abs/2011.08891
    """
    require_tape()
    layer_output = feature_map(model, stage)
    probe = keras.Model(model.input, (layer_output, model.output))
    images = tf.convert_to_tensor(np.asarray(images, "float32"))
    with tf.GradientTape() as tape:
        tape.watch(images)  # frozen weights are on no tape
        activations, outputs = probe(images, training=False)
        score = target(outputs)
    # The score of an image depends on no other, so the sum has each one's gradient.
    gradients = tape.gradient(score, activations)
    if not by_place:
        gradients = ops.mean(gradients, axis=(1, 2), keepdims=True)
    places = activations.shape[1] * activations.shape[2]
    return ops.convert_to_numpy(ops.sum(activations * gradients, axis=-1) * places)


def require_tape():
    """Refuse a backend of Keras whose gradients are not TensorFlow's.

    Raises:
        UsageError: That says how to choose it, and what works without.
    """
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise UsageError(
            "Gradients need Keras on TensorFlow: start with KERAS_BACKEND=tensorflow, "
            'or ask for method "cam", "rollout" or "attention". '
            f"Received: the backend {backend!r}."
        )


def feature_map(model, stage=None):
    """Return a stage's output, symbolic; with `None` see `gradient_maps`.

    Raises:
        UsageError: If there is no such stage.
    """
    if stage is None and (found := find_head(model)):
        return found[0]
    stages = stage_blocks(model)
    if stage is None:
        stage = max(stages)
    if stage not in stages:
        raise UsageError(
            f"`stage` must be one of the model's: {', '.join(map(str, stages))}. "
            f"Received: {stage!r}."
        )
    return _normalized(model, stages[stage][-1].output)


def _normalized(model, output):
    """Return a map after the normalization, where that is all that reads it.

    A normalized token stays the same if it is scaled, so a token times its gradient
    is 0: before the norm there is nothing to see.
    """
    readers = [
        layer
        for layer in model.layers
        if any(one is output for one in keras.tree.flatten(layer.input))
    ]
    if len(readers) == 1 and isinstance(readers[0], keras.layers.LayerNormalization):
        return readers[0].output
    return output


def stage_blocks(model) -> dict[int, list]:
    """Return the blocks of each stage, from 1, in the order of the data.

    Raises:
        UsageError: If it is not a Swin Transformer.
    """
    stages = {}
    for layer in model.layers:
        stage, is_block, _ = layer.name.partition("_block_")
        if is_block and stage.startswith("stage_"):
            stages.setdefault(int(stage.removeprefix("stage_")), []).append(layer)
    if not stages:
        raise UsageError(
            "Stages and attention are those of a Swin Transformer. Received: "
            f"{model.name!r}, which has no layer stage_1_block_1."
        )
    return stages
