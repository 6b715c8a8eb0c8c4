"""Segmenters: a backbone, a head, and logits for each pixel."""

import keras

from swin_keras.errors import UsageError
from swin_keras.layers import ChannelDropout, SubPixelConvolution
from swin_keras.models.config import SwinConfig
from swin_keras.models.inputs import exact_dtype, image_inputs
from swin_keras.models.segmentation.convolution import convolution
from swin_keras.models.segmentation.head import SegmentationHead, as_head
from swin_keras.models.segmentation.mlp import mlp_head
from swin_keras.models.segmentation.unet import unet_head
from swin_keras.models.segmentation.upernet import upernet_head
from swin_keras.models.stages import normalized_maps, swin_stages
from swin_keras.models.words import check_classes

LOGITS = "head_logits"  # the layer that every segmenter gives its classes scores by


def segmentation_model(
    config: SwinConfig,
    head: SegmentationHead | str = "mlp",
    auxiliary=False,
    include_preprocessing=True,
    input_tensor=None,
    classes=150,
    name="swin_segmenter",
):
    """Build a model that gives each pixel of an image a class.

    `(B, H, W, channels)` images, 0..255, to `(B, H/s, W/s, classes)` logits; see
    `swin_keras.SwinSegmenter`, which takes names of variants and weights, too.

    Args:
        config: The sizes of the backbone.
        head: `"mlp"`, `"upernet"`, `"unet"` or a `SegmentationHead`.
        auxiliary: Whether there is a second, small head to be trained along.
        include_preprocessing: Whether the model itself normalizes the images.
        input_tensor: A Keras tensor to use as images instead of a new input.
        classes: Number of classes.
        name: Name of the model.

    Returns:
        A functional `keras.Model`.

    Raises:
        UsageError: If an argument cannot work; the message says what must hold.
    """
    head = as_head(head)
    classes = check_classes(classes)
    check_segmenter(config, head, auxiliary)
    inputs, x, config = image_inputs(config, input_tensor, include_preprocessing)
    pixels, stages = x, swin_stages(x, config)
    if head.kind == "unet":
        outputs = _logits(unet_head(stages, config), classes, LOGITS, bias=False)
    else:
        features = normalized_maps(stages)
        x = _HEADS[head.kind](features, head)
        x = ChannelDropout(head.dropout_rate, name="head_dropout")(x)
        if head.sub_pixel:
            outputs = SubPixelConvolution(
                classes,
                config.patch_size,
                config.input_shape[:2],
                kernel_initializer=_near_zero(),
                dtype=exact_dtype(),
                name=LOGITS,
            )(x)
        else:
            outputs = _logits(x, classes, LOGITS)
        if head.detail_channels:
            outputs = _sharpened(outputs, pixels, head.detail_channels)
        if auxiliary:
            outputs = {
                "logits": outputs,
                "auxiliary": _auxiliary(features[-2], head, classes),
            }
    return keras.Model(inputs, outputs, name=name)


_HEADS = {"mlp": mlp_head, "upernet": upernet_head}


def without_auxiliary(model):
    """Return a segmenter without its auxiliary head; its layers are the same.

    Args:
        model: A segmenter; one without an auxiliary head is returned as it is.

    Returns:
        A functional `keras.Model` from images to logits.
    """
    if not isinstance(model.output, dict):
        return model
    return keras.Model(model.input, model.output["logits"], name=model.name)


def end_in_probabilities(model):
    """Return a segmenter that ends in a softmax, without its auxiliary head.

    Args:
        model: A segmenter; one that ends so already is returned as it is.

    Returns:
        A functional `keras.Model` from images to `(B, H/s, W/s, classes)`
        probabilities; its layers are the same.

    Raises:
        UsageError: If it has one class.
    """
    model = without_auxiliary(model)
    if model.output.shape[-1] == 1:
        raise UsageError(
            "A segmenter needs at least two classes, such as background and object: "
            "a softmax over one is always 1. Received: a model of one class."
        )
    if getattr(model.layers[-1], "activation", None) is keras.activations.softmax:
        return model
    probabilities = keras.layers.Activation(
        "softmax", dtype=exact_dtype(), name="probabilities"
    )(model.output)
    return keras.Model(model.input, probabilities, name=model.name)


def is_segmenter(model) -> bool:
    """Return whether a Keras model has the logits of a `SwinSegmenter`."""
    return any(layer.name == LOGITS for layer in model.layers)


def _auxiliary(x, head, classes):
    """Predict the classes from one feature map: `(B, H/16, W/16, classes)`."""
    x = convolution(x, head.auxiliary_channels, 3, "head_auxiliary")
    x = ChannelDropout(head.dropout_rate, name="head_auxiliary_dropout")(x)
    return _logits(x, classes, "head_auxiliary_logits")


def _sharpened(logits, pixels, channels):
    """Add what each pixel and its neighbours say by themselves to the logits."""
    x = convolution(pixels, channels, 3, "head_detail")
    x = _logits(x, logits.shape[-1], "head_detail_logits", bias=False)
    return keras.layers.Add(dtype=exact_dtype(), name="head_sum")([logits, x])


def _logits(x, classes, name, bias=True):
    return keras.layers.Conv2D(
        classes,
        1,
        use_bias=bias,
        data_format="channels_last",
        kernel_initializer=_near_zero(),
        dtype=exact_dtype(),
        name=name,
    )(x)


def _near_zero():
    """Return how mmsegmentation begins the kernels of logits."""
    return keras.initializers.RandomNormal(stddev=0.01)


def check_segmenter(config, head, auxiliary):
    """Refuse a head that does not go with a backbone, or with an auxiliary one.

    Raises:
        UsageError: That says why.
    """
    if auxiliary and head.kind == "unet":
        raise UsageError(
            "A U-Net has no auxiliary head. Received: head='unet', auxiliary=True."
        )
    if auxiliary and len(config.depths) < 2:
        raise UsageError(
            "An auxiliary head needs the map before the last one: at least two stages. "
            f"Received: depths={config.depths}."
        )
