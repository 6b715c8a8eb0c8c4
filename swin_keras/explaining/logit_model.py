"""The model that is explained: float32, ending in logits, its attention on record."""

import keras

from swin_keras.errors import UsageError
from swin_keras.layers import (
    CosineWindowAttention,
    StopGradient,
    SwinTransformerBlock,
    SwinTransformerV2Block,
    WindowAttention,
)
from swin_keras.models.conventions import require_float_weights, require_no_lora
from swin_keras.models.copies import take_weights


class _Recorded:
    """A window attention that keeps the weights of its last call.

    `seen` is `(B * num_windows, num_heads, N, N)`. They are taken where dropout
    would be, which inference does not have.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.attention_dropout = self._keep

    def _keep(self, weights, training=None):
        self.seen = weights
        return weights


class RecordedWindowAttention(_Recorded, WindowAttention):
    """A `WindowAttention` that keeps its weights."""


class RecordedCosineWindowAttention(_Recorded, CosineWindowAttention):
    """A `CosineWindowAttention` that keeps its weights."""


class RecordedBlock(SwinTransformerBlock):
    """A `SwinTransformerBlock` with a `RecordedWindowAttention`."""

    def _attention_layer(self, **options):
        return RecordedWindowAttention(self._window, self.num_heads, **options)


class RecordedV2Block(SwinTransformerV2Block):
    """A `SwinTransformerV2Block` with a `RecordedCosineWindowAttention`."""

    def _attention_layer(self, **options):
        return RecordedCosineWindowAttention(
            self._window, self.num_heads, self.pretrained_window_size, **options
        )


_RECORDED = {
    SwinTransformerBlock: RecordedBlock,
    SwinTransformerV2Block: RecordedV2Block,
}


def logit_model(model):
    """Copy a model so that it can be asked why.

    The copy is float32 whatever the precision of training, ends before the last
    activation, its blocks keep their attention, and no gradient is stopped: what
    did not train the backbone still follows from it.

    Args:
        model: A `keras.Model`; it stays as it is.

    Returns:
        A functional model from the same images to logits `(B, classes)`, or to the
        model's own outputs if it is not a classifier.

    Raises:
        UsageError: If it is not a graph of plain layers, or its weights are int8.
    """
    require_plain_layers(model)
    last = model.layers[-1]

    def copy(layer):
        config = layer.get_config()
        if isinstance(layer, keras.layers.InputLayer):
            return type(layer).from_config(config)
        if layer is last and isinstance(layer, keras.layers.Softmax):
            return keras.layers.Identity(name=layer.name, dtype="float32")
        if isinstance(layer, StopGradient):
            return keras.layers.Identity(name=layer.name, dtype="float32")
        if layer is last and "activation" in config:
            config |= {"activation": "linear"}
        kind = _RECORDED.get(type(layer), type(layer))
        return kind.from_config({**config, "dtype": "float32"})

    twin = keras.models.clone_model(model, clone_function=copy)
    update_copy(twin, model)
    return twin


def update_copy(twin, model):
    """Give what `logit_model` returned the weights that the model has now."""
    for layer in model.layers:
        if layer.weights:  # not an input, whose copy may have another name
            take_weights(twin.get_layer(layer.name), layer)


def require_plain_layers(model):
    """Refuse what is not a graph of layers with weights of their own.

    Raises:
        UsageError: That says how to build it otherwise.
    """
    steps = getattr(model, "operations", None)  # only a functional model has them
    if not steps:
        raise UsageError(
            "Only a functional `keras.Model` can be explained, `keras.Model(inputs, "
            f"outputs)`. Received: {type(model).__name__} {model.name!r}."
        )
    for step in steps:
        if isinstance(step, keras.Model) or not isinstance(step, keras.layers.Layer):
            raise UsageError(
                "A model that is explained must be one graph of layers. Received: "
                f"{model.name!r}, in which {step.name!r} is a {type(step).__name__}. "
                "Build the head on `base.output`, with `keras.Model(base.input, "
                "outputs)`, instead of calling the base model."
            )
    require_float_weights(model, "explained")
    require_no_lora(
        model,
        'Only method "cam" explains a model after `enable_lora`: for others, '
        "`swin_keras.weights.convert` its .keras file, which adds LoRA's matrices up.",
    )
