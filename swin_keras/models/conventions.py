"""What a model does itself: scale its images, make probabilities of its logits."""

import keras

from swin_keras.errors import UsageError


def normalizes(model) -> bool:
    """Return whether a model itself normalizes or rescales the images it takes."""
    return any(
        normalizes(layer)
        if isinstance(layer, keras.Model)
        else isinstance(layer, (keras.layers.Normalization, keras.layers.Rescaling))
        for layer in model.layers
    )


def last_step(model):
    """Return the layer or the operation that a model with one output ends in."""
    return getattr(model, "operations", model.layers)[-1]


def _last_plain_step(model):
    """Return the last step of the last model, where models lie in models."""
    last = last_step(model)
    is_graph = isinstance(last, keras.Sequential) or hasattr(last, "operations")
    return _last_plain_step(last) if is_graph else last


def ends_in_shares(model) -> bool:
    """Return whether a model with one output ends in a softmax or a sigmoid."""
    last = _last_plain_step(model)
    kinds = (keras.activations.softmax, keras.activations.sigmoid)
    # Layers are public; operations, which functions such as these make, are not.
    is_named_so = type(last).__name__ in ("Softmax", "Sigmoid")
    return getattr(last, "activation", None) in kinds or is_named_so


def ends_in_logits(model) -> bool:
    """Return whether a classifier ends in a dense layer and no activation.

    Only what is certain counts: of a last layer of another kind, nobody knows.
    """
    last = _last_plain_step(model)
    return (
        isinstance(last, keras.layers.Dense)
        and last.activation is keras.activations.linear
        and not isinstance(model.output, dict | list)
        and len(model.output.shape) == 2
    )


def require_no_lora(model, rule: str):
    """Refuse a model whose layers add low-rank matrices to their weights.

    Args:
        model: A `keras.Model`.
        rule: What must hold, and what to do, as sentences.

    Raises:
        UsageError: That names one of them.
    """
    for weight in model.weights:
        if weight.path.rsplit("/", 1)[-1].startswith("lora_"):
            raise UsageError(
                f"{rule} Received: {model.name!r}, which has {weight.path}."
            )


def require_float_weights(model, what: str):
    """Refuse a model whose weights are quantized.

    Args:
        model: A `keras.Model`.
        what: What is done to it: "explained".

    Raises:
        UsageError: That names one of them.
    """
    for weight in model.weights:
        # Wider whole numbers are no weights: `Normalization` counts its batches.
        if weight.dtype in ("int8", "uint8") or "float8" in weight.dtype:
            raise UsageError(
                f"A model is {what} before its weights are quantized. Received: "
                f"{model.name!r}, whose {weight.path} is {weight.dtype}."
            )
