"""Segmenters, in the signature of `keras.applications`."""

import dataclasses
import inspect

import keras

from swin_keras.errors import UsageError
from swin_keras.layers import ChannelDropout
from swin_keras.models.config import SwinConfig
from swin_keras.models.inputs import exact_dtype, image_inputs
from swin_keras.models.segmentation.convolution import convolution
from swin_keras.models.segmentation.head import SegmentationHead, as_head
from swin_keras.models.segmentation.mlp import mlp_head
from swin_keras.models.segmentation.unet import unet_head
from swin_keras.models.segmentation.upernet import upernet_head
from swin_keras.models.stages import normalized_maps, swin_stages
from swin_keras.models.variants import as_config
from swin_keras.models.words import check_weights, check_words


def SwinSegmenter(
    config: SwinConfig | str = "swin_tiny",
    head: SegmentationHead | str = "mlp",
    auxiliary=False,
    include_preprocessing=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    classes=150,
    name=None,
    **sizes,
):
    """Build a model that gives each pixel of an image a class.

    `(B, H, W, channels)` images, 0..255, to `(B, H/s, W/s, classes)` logits, rounded
    up; `s` is the side of a patch, 4 in published models, or 1 with a U-Net. A pixel's
    class is that of the largest logit, after resizing them bilinearly.

    Args:
        config: Name of a variant, or a `SwinConfig` or `SwinV2Config`.
        head: `"mlp"`, the lightest; `"upernet"`, the Swin paper's; `"unet"`; or a
            `SegmentationHead` with more to say.
        auxiliary: Whether a second, small head tells the classes from the map before
            the last, to be trained along (the papers weight its loss with 0.4). The
            output is then `{"logits": ..., "auxiliary": ...}`; `without_auxiliary`
            takes it off. Not with a U-Net.
        include_preprocessing: Whether the model itself subtracts the mean and
            divides by the standard deviation, so that it takes images as they
            are read: 0..255.
        weights: `None` for random weights; `"imagenet"` for the published backbone of
            this variant; the path of a checkpoint, of a classifier or a segmenter,
            published or written by Keras; or `"hf://ORG/NAME"` on the Hugging Face
            hub. `swin_keras.load_weights` does the same later, with more to say.
        input_tensor: A Keras tensor to use as images instead of a new input.
        input_shape: `(height, width, channels)`; `None` is the configuration's own.
        classes: Number of classes; published heads have ADE20K's 150.
        name: Name of the model; `None` is that of variant and head.
        **sizes: Fields of `SwinConfig` to change, such as `drop_path_rate`.

    Returns:
        A functional `keras.Model`.

    Raises:
        UsageError: If an argument cannot work; the message says what must hold.

    Example:

    >>> model = SwinSegmenter("swin_nano", input_shape=(64, 96, 3), classes=5)
    >>> model.output_shape
    (None, 32, 48, 5)
    """
    head, given = as_head(head), config
    config = as_config(config)
    names = [field.name for field in dataclasses.fields(config)]
    check_words(sizes, names, arguments=inspect.signature(SwinSegmenter).parameters)
    check_weights(weights)
    if input_shape is not None:
        sizes["input_shape"] = input_shape
    config = config.replace(**sizes)
    _check(config, head, auxiliary, classes)
    if name is None:
        variant = given if isinstance(given, str) else "swin"
        name = f"{variant}_{head.kind}"

    inputs, x, config = image_inputs(config, input_tensor, include_preprocessing)
    stages = swin_stages(x, config)
    if head.kind == "unet":
        outputs = _logits(unet_head(stages, config), classes, "head_logits", bias=False)
    else:
        features = normalized_maps(stages)
        x = _HEADS[head.kind](features, head)
        x = ChannelDropout(head.dropout_rate, name="head_dropout")(x)
        outputs = _logits(x, classes, "head_logits")
        if auxiliary:
            outputs = {
                "logits": outputs,
                "auxiliary": _auxiliary(features[-2], head, classes),
            }
    model = keras.Model(inputs, outputs, name=name)
    if weights is not None:
        # Loading builds on models; this door to it is the one call the other way.
        from swin_keras.weights import load_weights

        load_weights(model, weights, variant=given if isinstance(given, str) else None)
    return model


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


def _auxiliary(x, head, classes):
    """Tell the classes from one feature map: `(B, H/16, W/16, classes)`."""
    x = convolution(x, head.auxiliary_channels, 3, "head_auxiliary")
    x = ChannelDropout(head.dropout_rate, name="head_auxiliary_dropout")(x)
    return _logits(x, classes, "head_auxiliary_logits")


def _logits(x, classes, name, bias=True):
    return keras.layers.Conv2D(
        classes,
        1,
        use_bias=bias,
        data_format="channels_last",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        dtype=exact_dtype(),
        name=name,
    )(x)


def _check(config, head, auxiliary, classes):
    if not isinstance(classes, int) or classes < 1:
        raise UsageError(
            f"`classes` must be a whole number, at least 1. Received: {classes!r}."
        )
    if auxiliary and head.kind == "unet":
        raise UsageError(
            "A U-Net has no auxiliary head. Received: head='unet', auxiliary=True."
        )
    if auxiliary and len(config.depths) < 2:
        raise UsageError(
            "An auxiliary head needs the map before the last one: at least two stages. "
            f"Received: depths={config.depths}."
        )
