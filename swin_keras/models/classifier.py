"""Image classifiers, with the signature of `keras.applications`."""

import keras

from swin_keras.errors import UsageError
from swin_keras.layers import LayerNormalization
from swin_keras.layers.initialization import published_normal
from swin_keras.models.backbone import feature_maps
from swin_keras.models.config import SwinConfig
from swin_keras.models.inputs import exact_dtype, image_inputs
from swin_keras.models.variants import as_config
from swin_keras.models.words import check_classes


def SwinClassifier(
    config: SwinConfig | str,
    include_top=True,
    include_preprocessing=True,
    input_tensor=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="swin_classifier",
):
    """Build a classifier of any size.

    `(B, H, W, channels)` images, 0..255, to `(B, classes)` probabilities.

    Args:
        config: The sizes of the model, or the name of a variant.
        include_top: Whether the model ends in class probabilities; otherwise it
            ends in the normalized last feature map `(B, H/32, W/32, 8C)`.
        include_preprocessing: Whether the model itself subtracts the mean and
            divides by the standard deviation, so that it takes images as they
            are read: 0..255.
        input_tensor: A Keras tensor to use as images instead of a new input.
        pooling: Without the top: `None` for the feature map, `"avg"` or `"max"`
            for a vector `(B, 8C)`.
        classes: Number of classes.
        classifier_activation: Activation of the top; `None` for logits.
        name: Name of the model.

    Returns:
        A functional `keras.Model`.

    Raises:
        UsageError: If an argument cannot work; the message says what must hold.
    """
    if pooling not in (None, "avg", "max"):
        raise UsageError(
            f"`pooling` must be None, 'avg' or 'max'. Received: {pooling!r}."
        )
    classes = check_classes(classes)
    if include_top and classes == 1 and classifier_activation == "softmax":
        raise UsageError(
            "One class needs `classifier_activation='sigmoid'`, or None for a logit: a "
            "softmax over one class is always 1. Received: classes=1, "
            "classifier_activation='softmax'."
        )
    config = as_config(config)

    inputs, x, config = image_inputs(config, input_tensor, include_preprocessing)
    x = list(feature_maps(x, config).values())[-1]
    x = LayerNormalization(name="norm")(x)

    if include_top or pooling == "avg":
        x = keras.layers.GlobalAveragePooling2D(
            data_format="channels_last", name="pooling"
        )(x)
    elif pooling == "max":
        x = keras.layers.GlobalMaxPooling2D(
            data_format="channels_last", name="pooling"
        )(x)
    if include_top:
        x = keras.layers.Dense(
            classes,
            kernel_initializer=published_normal(),
            dtype=exact_dtype(),
            name="head",
        )(x)
        if classifier_activation:
            x = keras.layers.Activation(
                classifier_activation, dtype=exact_dtype(), name="predictions"
            )(x)
    return keras.Model(inputs, x, name=name)
