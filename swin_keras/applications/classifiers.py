"""The models by their names, with weights: the signature of `keras.applications`."""

import inspect
import logging

from swin_keras.applications.sizing import sized_config
from swin_keras.errors import UsageError
from swin_keras.models.classifier import SwinClassifier
from swin_keras.models.variants import variant_config
from swin_keras.names import as_names
from swin_keras.weights import load_weights
from swin_keras.weights.loading import classes_of

log = logging.getLogger(__name__)


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
    config = sized_config(
        config, sizes, input_shape, input_tensor, weights, create_model
    )
    class_names = as_names(class_names)
    if classes and class_names and len(class_names) != classes:
        raise UsageError(
            f"`class_names` must name each of the {classes} classes. "
            f"Received: {len(class_names)} names."
        )
    if classes is None:
        classes = _classes(class_names, weights, variant, config) if include_top else 1
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
        load_weights(model, weights, variant=variant, class_names=class_names)
    elif class_names:
        log.warning(
            "A model keeps no names: `class_names` without `weights` say how many "
            "classes there are. Give them to `load_weights`, too."
        )
    return model


def _classes(class_names, weights, variant, config) -> int:
    if class_names:
        return len(class_names)
    if weights in (None, "imagenet"):
        return 1000
    patches = config.patch_size + 2 * config.patch_overlap, config.input_shape[2]
    return classes_of(weights, variant, patches) or 1000


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
