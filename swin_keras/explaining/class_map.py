"""Class activation maps (CAM), exact: what a classifier's head says of each token.

The head is a mean over tokens and one dense layer. Both are linear, so the dense
layer can be applied to each token first: the mean of that map is the class's logit,
to the last digit. It is one product more, without gradients, and can be part of a
file for a phone.
"""

import keras

from swin_keras.errors import UsageError
from swin_keras.layers.dropout import Dropout
from swin_keras.layers.pointwise import PointwiseDense
from swin_keras.model_files import load_keras
from swin_keras.model_files.card import CLASS_MAPS
from swin_keras.models.conventions import require_float_weights


def class_maps(model):
    """Return the map of each class, symbolic, `(B, H, W, classes)`.

    `maps = tokens @ kernel + bias` with the head's own numbers. The mean of a map
    over its `H x W` tokens is the logit of its class.

    Args:
        model: A functional classifier that ends in a mean over tokens and a dense
            layer; it stays as it is.

    Raises:
        UsageError: If it ends otherwise, or its weights are quantized.
    """
    require_float_weights(model, "explained")
    tokens, head = tokens_and_head(model)
    maps = PointwiseDense(
        head.units, use_bias=head.use_bias, dtype="float32", name=CLASS_MAPS
    )
    result = maps(tokens)
    take_head(maps, head)
    return result


def take_head(maps, head):
    """Give the layer of class maps the numbers of a head, with what LoRA adds."""
    numbers = [head.kernel, head.bias] if head.use_bias else [head.kernel]
    maps.set_weights([keras.ops.convert_to_numpy(n) for n in numbers])


def class_map_model(model):
    """Return a model from images to `{"outputs": ..., "class_maps": ...}`.

    `outputs` are the model's own; see `class_maps` for the other.
    """
    outputs = {"outputs": model.output, CLASS_MAPS: class_maps(model)}
    return keras.Model(model.input, outputs, name=model.name)


def file_class_maps(path, images):
    """Return the class maps of a `.keras` file, `(B, H, W, classes)`, in NumPy."""
    outputs = class_map_model(load_keras(path))(images, training=False)
    return keras.ops.convert_to_numpy(outputs[CLASS_MAPS])


def tokens_and_head(model):
    """Return what a classifier's classes are computed from, see `find_head`.

    Raises:
        UsageError: If the model does not end so.
    """
    found = find_head(model)
    if found is None:
        raise UsageError(
            "The map of a class needs a classifier that ends in the mean over its "
            "tokens and one dense layer, as those of this package do. Received: "
            f"{model.name!r}, which ends in {_end(model)}. A backbone has no classes: "
            'give the classifier, or ask for method "rollout" or "attention".'
        )
    return found


def find_head(model):
    """Find what a classifier's classes are computed from.

    Returns:
        The tokens after the last normalization, symbolic `(B, H, W, C)`, and the
        dense layer that their mean goes through; `None` for a model that ends
        otherwise.
    """
    layers = list(getattr(model, "layers", ()))
    if layers and isinstance(
        layers[-1], (keras.layers.Activation, keras.layers.Softmax)
    ):
        layers.pop()
    head = layers.pop() if layers else None
    while layers and isinstance(layers[-1], (keras.layers.Dropout, Dropout)):
        layers.pop()
    pooling = layers.pop() if layers else None
    if not isinstance(head, keras.layers.Dense) or not isinstance(
        pooling, keras.layers.GlobalAveragePooling2D
    ):
        return None
    return pooling.input, head


def _end(model):
    names = [type(layer).__name__ for layer in getattr(model, "layers", ())][-3:]
    return ", ".join(names) or "no layer"
