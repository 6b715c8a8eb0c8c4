"""Loads published weights into a model: everything is checked, then read, then set."""

import logging
from collections import Counter
from dataclasses import dataclass

import numpy as np

from swin_keras.errors import UsageError, WeightsError
from swin_keras.models import SwinClassifier, SwinV2Config
from swin_keras.weights.adaptation import Adapter, read_head_rows
from swin_keras.weights.anatomy import (
    SIZES,
    checkpoint_config,
    model_config,
    variant_of,
)
from swin_keras.weights.checkpoint import Checkpoint, open_checkpoint
from swin_keras.weights.places import published_places
from swin_keras.weights.source import find_source
from swin_keras.weights.tensor_file import damaged_file, file_kind

_FLOATS = ("float16", "bfloat16", "float32", "float64")
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
            lines.append(f"not used: {_some(self.unused)}")
        return "\n  ".join(lines)


def load_weights(
    model,
    source,
    *,
    new_head: bool | None = None,
    head_rows=None,
    resize: str = "bicubic",
    variant: str | None = None,
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

    Returns:
        A `LoadReport`; print it.

    Raises:
        WeightsError: If the file is missing, damaged, of another kind, or does not
            belong to the model; tensors at fault are listed.
    """
    found = find_source(source, variant)
    if file_kind(found.path) in ("hdf5", "zip"):
        return _load_keras(model, found)
    checkpoint = Checkpoint(found)
    places = published_places(model)
    config = model_config(model)
    _check_kind(checkpoint, config)
    _check_names(checkpoint, places, new_head)
    adapter = Adapter(config, _windows(model), resize, read_head_rows(head_rows))
    plan, sentences = _plan(checkpoint, places, adapter, new_head)
    _assign(checkpoint, places, plan)
    extras, _ = checkpoint.unused(places)
    report = LoadReport(
        source=found.name,
        format=checkpoint.format.name,
        loaded=(len(plan), len(places)),
        adapted=(*sentences, *_about_v2(checkpoint, config)),
        unused=tuple(extras),
    )
    if sentences:
        _log.warning("%s", report)
    return report


def from_pretrained(
    source,
    *,
    classes: int | None = None,
    input_shape=None,
    new_head: bool | None = None,
    head_rows=None,
    resize: str = "bicubic",
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
    checkpoint = open_checkpoint(source)
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
        name=name or variant_of(config) or "swin",
    )
    load_weights(model, source, new_head=new_head, head_rows=head_rows, resize=resize)
    return model


def _classes(checkpoint):
    if not checkpoint.has("head.weight"):
        raise UsageError(
            f"{checkpoint.source.name} has no head. Say `classes=...` and "
            "`new_head=True`, or `include_top=False`."
        )
    return checkpoint.shape("head.weight")[0]


def _load_keras(model, found) -> LoadReport:
    with damaged_file(found.path):
        model.load_weights(found.path)
    count = len(model.weights)
    return LoadReport(found.name, "keras", (count, count))


def _check_kind(checkpoint, config):
    """Refuse a checkpoint of another version or size, in words."""
    given = checkpoint_config(checkpoint)
    if type(given) is type(config) and all(
        getattr(given, size) == getattr(config, size) for size in SIZES
    ):
        return
    build = variant_of(given)
    raise WeightsError(
        f"{checkpoint.source.name} holds {_sizes_in_words(given)}; the model is "
        f"{_sizes_in_words(config)}. Build "
        + (f"{build!r}" if build else "the same sizes")
        + ", or use `swin_keras.from_pretrained`, which does."
    )


def _sizes_in_words(config):
    version = "Swin V2" if isinstance(config, SwinV2Config) else "Swin"
    sizes = ", ".join(f"{size}={getattr(config, size)}" for size in SIZES)
    return f"{version} ({sizes})"


def _check_names(checkpoint, places, new_head):
    missing = [name for name in places if not checkpoint.has(name)]
    if new_head:
        missing = [name for name in missing if not _is_head(name)]
    if missing:
        remedy = ""
        if all(_is_head(name) for name in missing):
            remedy = " Say `new_head=True` to keep the model's own and train them."
        raise WeightsError(
            f"{checkpoint.source.name} lacks {len(missing)} tensors of the model: "
            f"{_some(missing)}.{remedy}"
        )
    _, unexpected = checkpoint.unused(places)
    unexpected = [name for name in unexpected if not _is_known_head(name)]
    if unexpected:
        raise WeightsError(
            f"{checkpoint.source.name} has {len(unexpected)} tensors that the model has "
            f"no place for: {_some(unexpected)}. Build the model that it belongs to; "
            "`swin_keras.from_pretrained` does."
        )


def _plan(checkpoint, places, adapter, new_head):
    """Return what is done with each tensor that is read, and what to report."""
    plan, sentences, misfits = {}, Counter(), []
    for name, place in places.items():
        if (
            new_head
            and _is_head(name)
            and (name.startswith("head") or not checkpoint.has(name))
        ):
            sentences[f"{name.split('.')[0]}: new; train it"] += 1
            continue
        given = checkpoint.shape(name)
        fit = None if given == place.shape else adapter.fit(name, given, place.shape)
        if checkpoint.dtype(name) not in _FLOATS:
            misfits.append(f"{name} is {checkpoint.dtype(name)}, not a float")
        elif given != place.shape and (
            fit is None or (new_head is False and _is_head(name))
        ):
            misfits.append(f"{name} is {given}, not {place.shape}")
        elif fit is None:
            plan[name] = np.asarray
        else:
            sentences[fit.words] += 1
            if fit.apply:
                plan[name] = fit.apply
    if misfits:
        raise WeightsError(
            f"{checkpoint.source.name} has {len(misfits)} tensors that do not fit: "
            f"{_some(misfits)}."
        )
    return plan, [
        words
        if count == 1 or words.startswith(("head", "norm"))
        else f"{count} x {words}"
        for words, count in sentences.items()
    ]


def _assign(checkpoint, places, plan):
    values = {}
    for name, change in plan.items():
        place = places[name]
        variable = place.variable
        if id(variable) not in values:
            empty = np.zeros(variable.shape, "float32")
            values[id(variable)] = variable, empty
        array = place.to_keras(change(checkpoint.read(name)))
        values[id(variable)][1][place.index] = array
    for variable, array in values.values():
        variable.assign(array)


def _windows(model):
    windows = {}
    for layer in model.layers:
        if hasattr(layer, "attention"):
            stage, block = layer.name.removeprefix("stage_").split("_block_")
            prefix = f"layers.{int(stage) - 1}.blocks.{int(block) - 1}"
            windows[prefix] = layer.attention.window_size
    return windows


def _about_v2(checkpoint, config):
    """Say when a continuous bias is computed for another window than before."""
    if not isinstance(config, SwinV2Config):
        return
    given = checkpoint_config(checkpoint)
    if given.window_size != config.window_size:
        yield (
            f"position bias: computed for window {config.window_size} instead of "
            f"{given.window_size} (pretrained_window_size="
            f"{config.pretrained_window_size})"
        )


def _is_head(name):
    return name.startswith(("head.", "norm."))


def _is_known_head(name):
    return name.startswith(("head.", "norm.", "classifier.", "layernorm."))


def _some(names, most=5):
    names = list(names)
    rest = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
