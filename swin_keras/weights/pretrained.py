"""Builds the model that a checkpoint belongs to, and loads it."""

import logging
from collections.abc import Sequence

from swin_keras.errors import UsageError
from swin_keras.models import (
    DetectionHead,
    SwinClassifier,
    SwinV2Config,
    detection_model,
    segmentation_model,
)
from swin_keras.names import as_names
from swin_keras.weights.checkpoint import open_checkpoint
from swin_keras.weights.dense_heads import (
    checkpoint_head,
    head_classes,
    is_of_dense_code,
)
from swin_keras.weights.loading import load_checkpoint
from swin_keras.weights.matching import some
from swin_keras.weights.project_config import (
    stated_activation,
    stated_others,
    stated_sizes,
)
from swin_keras.weights.sizes import (
    checkpoint_config,
    checkpoint_window_fit,
    checkpoint_windows,
    published_name,
)

log = logging.getLogger(__name__)


def from_pretrained(
    source,
    *,
    classes: int | None = None,
    class_names: Sequence[str] | None = None,
    input_shape=None,
    new_head: bool | None = None,
    head_rows=None,
    resize: str = "bicubic",
    key: str | None = None,
    include_top=True,
    include_preprocessing: bool | None = None,
    pooling=None,
    classifier_activation="as saved",
    auxiliary=False,
    name: str | None = None,
    **sizes,
):
    """Build the model that a checkpoint belongs to, and load it.

    That is a classifier, or a segmenter or detector with the checkpoint's head. Layers
    of others in a `.keras` file are left out, and a warning names them.

    Args:
        source: As in `load_weights`, but for a `.weights.h5` file, which does not
            name its model. Sizes come from the tensors, and from the `config.json`
            beside them or the layers in a `.keras` file.
        classes: Number of classes; `None` is that of `class_names`, or the
            checkpoint's.
        class_names: As in `load_weights`.
        input_shape: `(height, width, channels)`; `None` is the checkpoint's.
        new_head: As in `load_weights`.
        head_rows: As in `load_weights`.
        resize: As in `load_weights`.
        key: As in `load_weights`.
        include_top: See `SwinClassifier`; without the top also of a segmenter or a
            detector.
        include_preprocessing: See `SwinClassifier`; `None` is as in the `.keras`
            file, and `True` for a checkpoint of others.
        pooling: See `SwinClassifier`.
        classifier_activation: See `SwinClassifier`; `"as saved"` is as in the
            `.keras` file. For one without a head and for a checkpoint of others it is
            `"softmax"`, or `"sigmoid"` if its `config.json` says that images have
            several labels. Of one class it is `"sigmoid"` instead of `"softmax"`.
        auxiliary: See `SwinSegmenter`.
        name: Name of the model; `None` is the variant's.
        **sizes: Fields of the configuration to change, such as `window_size`.

    Returns:
        A functional `keras.Model`.

    Raises:
        WeightsError: As `load_weights`.
        UsageError: As `load_weights`, or if the checkpoint has no head and
            `classes` are not given.
    """
    checkpoint = open_checkpoint(source, key=key)
    if checkpoint.is_keras and not stated_sizes(checkpoint.source.config):
        raise UsageError(
            f"{checkpoint.source.name} holds weights without a model. Give the .keras "
            "file, or build the model and use `swin_keras.load_weights`."
        )
    config = checkpoint_config(checkpoint)
    stated = {**checkpoint_windows(checkpoint), **sizes}
    if isinstance(config, SwinV2Config) and "window_size" not in stated:
        log.warning(
            "%s does not say its window; %s is taken. Put its config.json beside "
            "it, or pass `window_size`.",
            checkpoint.source.name,
            config.window_size,
        )
    if input_shape is not None:
        sizes["input_shape"] = input_shape
    head = checkpoint_head(checkpoint) if include_top else None
    if classes is None and include_top:
        classes = len(as_names(class_names)) or _classes(checkpoint, head)
    if head and is_of_dense_code(checkpoint):
        sizes = {"mask_padding": False} | sizes
    config = config.replace(**sizes)
    if config.window_fit_matters and "window_fit" not in sizes:
        config = config.replace(window_fit=checkpoint_window_fit(checkpoint))
    if include_preprocessing is None:
        saved = checkpoint.source.config
        include_preprocessing = not checkpoint.is_keras or saved["mean"] is not None
    if classifier_activation == "as saved":
        is_saved = checkpoint.is_keras and checkpoint.has("head.weight")
        classifier_activation = "softmax"
        if is_saved or not checkpoint.is_keras:
            classifier_activation = stated_activation(checkpoint.source.config)
        # Told by the number alone: a softmax over one class is always 1.
        if classes == 1 and (not is_saved or classifier_activation == "softmax"):
            classifier_activation = "sigmoid"
    variant = published_name(type(config), vars(config)) or "swin"
    if isinstance(head, DetectionHead):
        model = detection_model(
            config,
            head,
            include_preprocessing=include_preprocessing,
            classes=classes,
            name=name or f"{variant}_detector",
        )
    elif head:
        model = segmentation_model(
            config,
            head,
            auxiliary=auxiliary,
            include_preprocessing=include_preprocessing,
            classes=classes,
            name=name or f"{variant}_{head.kind}",
        )
    else:
        model = SwinClassifier(
            config,
            include_top=include_top,
            include_preprocessing=include_preprocessing,
            pooling=pooling,
            classes=1 if classes is None else classes,
            classifier_activation=classifier_activation,
            name=name or variant,
        )
    load_checkpoint(
        model, checkpoint, class_names, new_head=new_head, rows=head_rows, resize=resize
    )
    if others := stated_others(checkpoint.source.config):
        log.warning(
            "%s: left out, since not of this package: %s; answers will differ",
            checkpoint.source.name,
            some(others),
        )
    return model


def _classes(checkpoint, head):
    if head:
        return head_classes(checkpoint)
    if not checkpoint.has("head.weight"):
        raise UsageError(
            f"{checkpoint.source.name} has no head. Pass `classes=...` and "
            "`new_head=True`, or `include_top=False`."
        )
    return checkpoint.shape("head.weight")[0]
