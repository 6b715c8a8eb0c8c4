"""Loads weights into a model: everything is checked, then read, then set."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swin_keras.errors import UsageError
from swin_keras.models import (
    DetectionHead,
    SwinClassifier,
    detection_model,
    segmentation_model,
)
from swin_keras.models.layer_names import PREPROCESSING
from swin_keras.weights.adaptation import Adapter, read_head_rows
from swin_keras.weights.anatomy import (
    checkpoint_config,
    checkpoint_window_fit,
    published_name,
)
from swin_keras.weights.checkpoint import Checkpoint, open_checkpoint
from swin_keras.weights.detectors import (
    checkpoint_detection_head,
    is_exported_detector,
)
from swin_keras.weights.differences import differences
from swin_keras.weights.head_places import CLASS_WEIGHTS, HEAD_BODIES
from swin_keras.weights.matching import in_words, match, some
from swin_keras.weights.normalization import follow_normalization
from swin_keras.weights.places import published_places
from swin_keras.weights.project_config import stated_class_names, stated_sizes
from swin_keras.weights.segmenters import (
    checkpoint_head,
    head_classes,
    is_of_dense_code,
)
from swin_keras.weights.source import find_source

_log = logging.getLogger("swin_keras.weights")


@dataclass(frozen=True)
class LoadReport:
    """What came of loading a checkpoint.

    Args:
        source: What was loaded.
        format: Its layout.
        loaded: How many tensors were set, of how many in the model.
        adapted: What was made to fit or left as it was, one sentence each.
        unused: Tensors of the file that the model has no place for.
    """

    source: str
    format: str
    loaded: tuple[int, int]
    adapted: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def __str__(self):
        loaded, wanted = self.loaded
        lines = [f"{self.source} ({self.format}): {loaded} of {wanted} tensors"]
        lines += self.adapted
        if self.unused:
            lines.append(f"not used: {some(self.unused)}")
        return "\n  ".join(lines)


def load_weights(
    model,
    source,
    *,
    class_names: Sequence[str] | None = None,
    new_head: bool | None = None,
    head_rows=None,
    resize: str = "bicubic",
    variant: str | None = None,
    key: str | None = None,
) -> LoadReport:
    """Load a checkpoint of any known layout, or a trained model, into a model.

    Nothing is read before all names, shapes and dtypes fit, and nothing is set
    before all is read. What had to be adapted is logged and reported.

    Args:
        model: A classifier or backbone of this package.
        source: A file, a folder, `hf://ORG/NAME[@REVISION]` or `"imagenet"`; see
            `find_source`.
        class_names: Names of the model's classes, in order. Where the source names
            its own, the rows of its head follow the names: each class that both
            have is kept, wherever it stands, and the others are new.
        new_head: Whether the head stays as the model has it. `None`: only for
            classes that the file has not; `True`: always, as for a file of
            detection or pretraining, which has none; `False`: never.
        head_rows: For each class of the model, its row in the file's head: numbers
            or a text file of them, as published for ImageNet-22k to 1k.
        resize: How bias tables are resized to another window: `"bicubic"` as the
            official code does it, or `"geometric"` as timm does.
        variant: The variant for which `"imagenet"` asks.
        key: Which of several sets of weights in a file, such as `"model_ema"`; `None`
            takes plain weights before averages of them, and says so.

    Returns:
        A `LoadReport`; print it.

    Raises:
        WeightsError: If the file is missing, damaged, of another kind, or does not
            belong to the model; tensors at fault are listed.
        UsageError: If `class_names` are not as many as the model's classes.
    """
    places = published_places(model)
    _, channels, side, _ = places["patch_embed.proj.weight"].shape
    checkpoint = Checkpoint(find_source(source, variant), (side, channels), key)
    return _load(
        model, checkpoint, class_names, new_head=new_head, rows=head_rows, resize=resize
    )


def classes_of(source, variant: str | None = None) -> int | None:
    """Return how many classes the head of a checkpoint has; `None` without a head.

    Args:
        source: As in `load_weights`.
        variant: As in `load_weights`.

    Raises:
        WeightsError: If the file is missing, damaged or of another kind.
    """
    checkpoint = open_checkpoint(source, variant)
    if not checkpoint.has("head.weight"):
        return None
    return checkpoint.shape("head.weight")[0]


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

    That is a classifier, or a segmenter or detector with the checkpoint's head.

    Args:
        source: As in `load_weights`, but for a `.weights.h5` file, which does not
            tell its model. Sizes come from the tensors, and from the `config.json`
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
            `.keras` file, and `"softmax"` for a checkpoint of others.
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
    if input_shape is not None:
        sizes["input_shape"] = input_shape
    head = None
    if include_top:
        head = checkpoint_head(checkpoint) or checkpoint_detection_head(checkpoint)
    if classes is None and include_top:
        classes = len(class_names) if class_names else _classes(checkpoint, head)
    if head and is_of_dense_code(checkpoint):
        sizes = {"mask_padding": False} | sizes
    config = config.replace(**sizes)
    if config.window_fit_matters and "window_fit" not in sizes:
        config = config.replace(window_fit=checkpoint_window_fit(checkpoint))
    if include_preprocessing is None:
        saved = checkpoint.source.config
        include_preprocessing = not checkpoint.is_keras or bool(saved["mean"])
    if classifier_activation == "as saved":
        classifier_activation = checkpoint.source.config.get("activation", "softmax")
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
            classes=classes or 1,
            classifier_activation=classifier_activation,
            name=name or variant,
        )
    _load(
        model, checkpoint, class_names, new_head=new_head, rows=head_rows, resize=resize
    )
    return model


def _load(model, checkpoint, class_names, *, new_head, rows, resize) -> LoadReport:
    places = published_places(model)
    source = checkpoint.source
    adapter = Adapter(
        model,
        places,
        resize=resize,
        head_rows=read_head_rows(rows),
        new_head=_has_new_head(checkpoint, places, new_head),
        class_names=_names_of(places, class_names),
        given=checkpoint_config(checkpoint) if stated_sizes(source.config) else None,
        given_names=stated_class_names(source.config),
        source=source.name,
        is_exported=is_exported_detector(checkpoint, places),
    )
    plan = match(checkpoint, places, adapter)
    if any(layer.name == PREPROCESSING for layer in model.layers):
        plan = follow_normalization(checkpoint, adapter.config, plan)
    _assign(checkpoint, places, plan)
    report = LoadReport(
        source=source.name,
        format=checkpoint.format.name,
        loaded=(sum(fit.apply is not None for fit in plan.values()), len(places)),
        adapted=(
            *checkpoint.choice(),
            *in_words(plan),
            *differences(checkpoint, adapter),
        ),
        unused=tuple(checkpoint.unused(places)[0]),
    )
    if report.adapted:
        _log.warning("%s", report)
    return report


def _names_of(places, class_names) -> tuple[str, ...]:
    """Return the names of the model's classes, if they are as many as these."""
    names = tuple(class_names or ())
    heads = (name for name in CLASS_WEIGHTS if name in places)
    classes = next((places[name].shape[0] for name in heads), len(names))
    if names and len(names) != classes:
        raise UsageError(
            f"`class_names` must name each of the model's {classes} classes. "
            f"Received: {len(names)} names."
        )
    return names


def _has_new_head(checkpoint, places, new_head) -> bool | None:
    """Return whether a head is new: a segmenter's also if the file has another kind."""
    bodies = [name for name in places if name.startswith(HEAD_BODIES)]
    if new_head is None and bodies:
        return not any(checkpoint.has(name) for name in bodies) or None
    return new_head


def _assign(checkpoint, places, plan):
    """Read all that the plan names, then set it, so that an error leaves no half."""
    arrays = {}
    for name, fit in plan.items():
        if fit.apply is None:
            continue
        place = places[name]
        variable, array = arrays.setdefault(
            id(place.variable),
            (place.variable, np.zeros(place.variable.shape, "float32")),
        )
        array[place.index] = place.to_keras(
            fit.apply(checkpoint.read(fit.source or name))
        )
    for variable, array in arrays.values():
        variable.assign(array)


def _classes(checkpoint, head):
    if head:
        return head_classes(checkpoint)
    if not checkpoint.has("head.weight"):
        raise UsageError(
            f"{checkpoint.source.name} has no head. Say `classes=...` and "
            "`new_head=True`, or `include_top=False`."
        )
    return checkpoint.shape("head.weight")[0]
