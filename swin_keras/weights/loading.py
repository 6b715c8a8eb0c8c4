"""Loads published weights into a model: everything is checked, then read, then set."""

import logging
from dataclasses import dataclass

import numpy as np

from swin_keras.errors import UsageError, WeightsError
from swin_keras.models import SwinClassifier, SwinV2Config
from swin_keras.weights.adaptation import Adapter, read_head_rows
from swin_keras.weights.anatomy import (
    checkpoint_config,
    checkpoint_windows,
    published_name,
)
from swin_keras.weights.checkpoint import Checkpoint, open_checkpoint
from swin_keras.weights.matching import in_words, match, some
from swin_keras.weights.normalization import follow_normalization
from swin_keras.weights.places import published_places
from swin_keras.weights.source import find_source
from swin_keras.weights.tensor_file import file_kind

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
    new_head: bool | None = None,
    head_rows=None,
    resize: str = "bicubic",
    variant: str | None = None,
    key: str | None = None,
) -> LoadReport:
    """Load a checkpoint of any known layout into a model.

    Nothing is read before all names, shapes and dtypes fit, and nothing is set
    before all is read. What had to be adapted is logged and reported.

    Args:
        model: A classifier or backbone of this package.
        source: A file, a folder, `hf://ORG/NAME[@REVISION]` or `"imagenet"`; see
            `find_source`.
        new_head: Whether the head stays as the model has it. `None`: only where
            the file's is for another number of classes; `True`: always, as for a
            file of detection or pretraining, which has none; `False`: never.
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
    """
    found = find_source(source, variant)
    if file_kind(found.path) in ("hdf5", "zip"):
        return _load_keras(model, found)
    return _load(model, Checkpoint(found, key), new_head, head_rows, resize)


def from_pretrained(
    source,
    *,
    classes: int | None = None,
    input_shape=None,
    new_head: bool | None = None,
    head_rows=None,
    resize: str = "bicubic",
    key: str | None = None,
    include_top=True,
    include_preprocessing=True,
    pooling=None,
    classifier_activation="softmax",
    name: str | None = None,
    **sizes,
):
    """Build the model that a checkpoint belongs to, and load it.

    Args:
        source: As in `load_weights`. Sizes come from the tensors, and from the
            `config.json` beside them where there is one.
        classes: Number of classes; `None` is the checkpoint's.
        input_shape: `(height, width, channels)`; `None` is the checkpoint's.
        new_head: As in `load_weights`.
        head_rows: As in `load_weights`.
        resize: As in `load_weights`.
        key: As in `load_weights`.
        include_top: See `SwinClassifier`.
        include_preprocessing: See `SwinClassifier`.
        pooling: See `SwinClassifier`.
        classifier_activation: See `SwinClassifier`.
        name: Name of the model; `None` is the variant's.
        **sizes: Fields of the configuration to change, such as `window_size`.

    Returns:
        A functional `keras.Model`.

    Raises:
        WeightsError: As `load_weights`.
    """
    checkpoint = open_checkpoint(source, key=key)
    config = checkpoint_config(checkpoint)
    if input_shape is not None:
        sizes["input_shape"] = input_shape
    if classes is None and include_top:
        classes = _classes(checkpoint)
    model = SwinClassifier(
        config.replace(**sizes),
        include_top=include_top,
        include_preprocessing=include_preprocessing,
        pooling=pooling,
        classes=classes or 1,
        classifier_activation=classifier_activation,
        name=name or published_name(type(config), vars(config)) or "swin",
    )
    _load(model, checkpoint, new_head, head_rows, resize)
    return model


def _load(model, checkpoint, new_head, head_rows, resize) -> LoadReport:
    places = published_places(model)
    adapter = Adapter(model, resize, read_head_rows(head_rows), new_head)
    plan = match(checkpoint, places, adapter)
    if any(layer.name == "preprocessing" for layer in model.layers):
        plan = follow_normalization(checkpoint, adapter.config, plan)
    _assign(checkpoint, places, plan)
    report = LoadReport(
        source=checkpoint.source.name,
        format=checkpoint.format.name,
        loaded=(sum(fit.apply is not None for fit in plan.values()), len(places)),
        adapted=(
            *checkpoint.choice(),
            *in_words(plan),
            *_recomputed(checkpoint, adapter.config),
        ),
        unused=tuple(checkpoint.unused(places)[0]),
    )
    if report.adapted:
        _log.warning("%s", report)
    return report


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
        array[place.index] = place.to_keras(fit.apply(checkpoint.read(name)))
    for variable, array in arrays.values():
        variable.assign(array)


def _recomputed(checkpoint, config):
    """Say when a continuous bias is computed for another window than before."""
    if isinstance(config, SwinV2Config):
        given = checkpoint_windows(checkpoint).get("window_size")
        if given not in (None, config.window_size):
            yield (
                f"position bias: computed for window {config.window_size} instead of "
                f"{given}, with pretrained_window_size={config.pretrained_window_size}"
            )


def _classes(checkpoint):
    if not checkpoint.has("head.weight"):
        raise UsageError(
            f"{checkpoint.source.name} has no head. Say `classes=...` and "
            "`new_head=True`, or `include_top=False`."
        )
    return checkpoint.shape("head.weight")[0]


def _load_keras(model, found) -> LoadReport:
    try:
        model.load_weights(found.path)
    except Exception as error:
        raise WeightsError(
            f"{found.path} is damaged, or belongs to another model "
            f"({str(error).strip()[:200]}). Build the model that it was saved from."
        ) from error
    count = len(model.weights)
    return LoadReport(found.name, "keras", (count, count))
