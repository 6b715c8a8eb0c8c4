"""Image classifiers, in the signature of `keras.applications`."""

import dataclasses
import inspect
import os

import keras

from swin_keras.errors import UsageError
from swin_keras.layers.initialization import published_normal
from swin_keras.layers.precision import full_precision
from swin_keras.models.backbone import feature_maps
from swin_keras.models.config import IMAGENET_MEAN, IMAGENET_STD, SwinConfig
from swin_keras.models.variants import as_config, variant_config
from swin_keras.models.words import check_words


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
    if classes < 1:
        raise UsageError(f"`classes` must be at least 1. Received: {classes}.")
    if include_top and classes == 1 and classifier_activation == "softmax":
        raise UsageError(
            "One class needs `classifier_activation='sigmoid'`, or None for a logit: a "
            "softmax over one class is always 1. Received: classes=1, "
            "classifier_activation='softmax'."
        )
    config = as_config(config)

    if input_tensor is None:
        inputs = x = keras.Input(config.input_shape, name="images")
    else:
        x = input_tensor
        inputs = keras.utils.get_source_inputs(x)
        config = config.replace(input_shape=tuple(x.shape[1:]))
    if include_preprocessing:
        x = normalize(x)
    x = list(feature_maps(x, config).values())[-1]
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")(x)

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
            dtype=_exact_dtype(),
            name="head",
        )(x)
        if classifier_activation:
            x = keras.layers.Activation(
                classifier_activation, dtype=_exact_dtype(), name="predictions"
            )(x)
    return keras.Model(inputs, x, name=name)


def normalize(images):
    """Subtract ImageNet's mean and divide by its standard deviation, per channel.

    `(B, H, W, channels)`, 0..255, to the same shape. Images that are not RGB
    take the average over the three channels for each of theirs.
    """
    channels = images.shape[-1]
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    if channels != 3:
        mean, std = ((sum(values) / 3,) * channels for values in (mean, std))
    variance = [value**2 for value in std]
    return keras.layers.Normalization(
        mean=mean, variance=variance, dtype=_exact_dtype(), name="preprocessing"
    )(images)


def _exact_dtype():
    """Return the dtype of what is exact under any policy: pixels and scores."""
    return full_precision(keras.config.dtype_policy().compute_dtype)


def create_model(
    variant: str,
    include_top=True,
    include_preprocessing=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=None,
    classifier_activation="softmax",
    name=None,
    class_names=None,
    **sizes,
):
    """Build a variant by its name; see `list_models` for the names.

    Args:
        variant: Name of the variant, for example `"swin_tiny"`.
        include_top: See `SwinClassifier`.
        include_preprocessing: See `SwinClassifier`.
        weights: `None` for random weights; `"imagenet"` for the published ones of
            this variant; the path of a checkpoint, published or written by Keras;
            or `"hf://ORG/NAME"` on the Hugging Face hub. `swin_keras.load_weights`
            does the same later, with more to say.
        input_tensor: See `SwinClassifier`.
        input_shape: `(height, width, channels)`; `None` is the variant's own.
        pooling: See `SwinClassifier`.
        classes: Number of classes; `None` is that of `class_names`, else that of
            `weights`, or 1000.
        classifier_activation: See `SwinClassifier`.
        name: Name of the model; `None` is the variant's.
        class_names: Names of the classes, in order. Where the weights name theirs, as
            runs do, each class that both have keeps its row of the head.
        **sizes: Fields of `SwinConfig` to change, such as `drop_path_rate`.

    Returns:
        A functional `keras.Model`.

    Raises:
        UsageError: If there is no such variant, or the sizes cannot work.

    Example:

    >>> model = create_model("swin_nano", classes=10)
    >>> model.output_shape, model.count_params()
    ((None, 10), 394118)
    """
    config = variant_config(variant)
    names = [field.name for field in dataclasses.fields(config)]
    check_words(sizes, names, arguments=inspect.signature(create_model).parameters)
    _check_weights(weights)
    if input_shape is not None:
        sizes["input_shape"] = input_shape
    config = config.replace(**sizes)
    if classes and class_names and len(class_names) != classes:
        raise UsageError(
            f"`class_names` must name each of the {classes} classes. "
            f"Received: {len(class_names)} names."
        )
    if classes is None:
        classes = _classes(class_names, weights, variant) if include_top else 1
    model = SwinClassifier(
        config,
        include_top=include_top,
        include_preprocessing=include_preprocessing,
        input_tensor=input_tensor,
        pooling=pooling,
        classes=classes,
        classifier_activation=classifier_activation,
        name=name or variant,
    )
    if weights is not None:
        # Loading builds on models; this door to it is the one call the other way.
        from swin_keras.weights import load_weights

        load_weights(model, weights, variant=variant, class_names=class_names)
    return model


def _classes(class_names, weights, variant) -> int:
    if class_names:
        return len(class_names)
    if weights in (None, "imagenet"):
        return 1000
    from swin_keras.weights.loading import classes_of

    return classes_of(weights, variant) or 1000


def _check_weights(weights):
    """Check that weights are named as they can be, before a model is built."""
    if weights is None or weights == "imagenet":
        return
    address = os.fspath(weights) if isinstance(weights, str | os.PathLike) else None
    if address is None or not (
        address.startswith("hf://") or os.path.exists(os.path.expanduser(address))
    ):
        raise UsageError(
            "`weights` must be None, 'imagenet', the path of a file or folder that is "
            f"there, or 'hf://ORG/NAME'. Received: {weights!r}."
        )


def _variant_function(name: str, variant: str):
    """Make `name(...)`: `create_model` with its variant already chosen."""

    def build(*args, **kwargs):
        return create_model(variant, *args, **kwargs)

    signature = inspect.signature(create_model)
    parameters = list(signature.parameters.values())[1:]
    build.__name__ = build.__qualname__ = name
    build.__signature__ = signature.replace(parameters=parameters)
    build.__doc__ = (
        f"Build the variant `{variant!r}`; arguments as in `create_model`.\n\n"
        "The signature is that of `keras.applications`; sizes of `SwinConfig`, such\n"
        "as `drop_path_rate` or `window_size`, may follow by name."
    )
    return build


SwinNano = _variant_function("SwinNano", "swin_nano")
SwinTiny = _variant_function("SwinTiny", "swin_tiny")
SwinSmall = _variant_function("SwinSmall", "swin_small")
SwinBase = _variant_function("SwinBase", "swin_base")
SwinLarge = _variant_function("SwinLarge", "swin_large")
SwinV2Tiny = _variant_function("SwinV2Tiny", "swinv2_tiny")
SwinV2Small = _variant_function("SwinV2Small", "swinv2_small")
SwinV2Base = _variant_function("SwinV2Base", "swinv2_base")
SwinV2Large = _variant_function("SwinV2Large", "swinv2_large")
