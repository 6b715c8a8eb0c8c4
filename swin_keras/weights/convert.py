"""From any layout to another, and what a file holds: the logic of two commands."""

import dataclasses
from pathlib import Path

from swin_keras.errors import UsageError, WeightsError, nearest_name
from swin_keras.files import expanded
from swin_keras.model_files import read_card, save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import (
    DetectionHead,
    SwinV2Config,
    end_in_probabilities,
    is_segmenter,
)
from swin_keras.models.conventions import normalizes
from swin_keras.names import as_names
from swin_keras.weights.checkpoint import open_checkpoint
from swin_keras.weights.dense_heads import checkpoint_head, head_classes
from swin_keras.weights.matching import some
from swin_keras.weights.other_layers import model_layers, top_activation
from swin_keras.weights.pretrained import from_pretrained
from swin_keras.weights.processor import stated_crop
from swin_keras.weights.project_config import stated_class_names, stated_others
from swin_keras.weights.saving import save_huggingface, save_timm
from swin_keras.weights.sizes import checkpoint_config, model_config, published_name

_FOLDERS = {"huggingface": save_huggingface, "timm": save_timm}


def convert(
    source,
    destination,
    to: str | None = None,
    classes: int | None = None,
    new_head: bool | None = None,
    head_rows=None,
    resize: str = "bicubic",
    class_names=None,
    key: str | None = None,
    **sizes,
) -> Path:
    """Convert a checkpoint of any known layout.

    Args:
        source: As in `swin_keras.from_pretrained`.
        destination: A `.keras` or `.weights.h5` file, or a folder for another
            project. It must not exist, or be an empty folder.
        to: `"keras"`, `"huggingface"` or `"timm"`; `None` is Keras if the
            destination's name says so.
        classes: As in `swin_keras.from_pretrained`.
        new_head: As in `swin_keras.load_weights`.
        head_rows: As in `swin_keras.load_weights`.
        resize: As in `swin_keras.load_weights`.
        class_names: Names of the classes; `None` is the source's. Where the source
            names its own, rows of the head follow the names.
        key: As in `swin_keras.load_weights`.
        **sizes: Fields of the configuration to change, such as `window_size`.

    Returns:
        The destination.

    Raises:
        UsageError: If the destination is taken or says nothing about the format.
        WeightsError: If the source cannot be used.
    """
    destination = expanded(destination)
    keras_file = destination.name.endswith((".keras", ".weights.h5"))
    to = to or ("keras" if keras_file else None)
    if to not in ("keras", *_FOLDERS):
        raise UsageError(
            "`to` must be 'keras', 'huggingface' or 'timm', or the destination end in "
            f".keras or .weights.h5. Received: to={to!r}, {destination}."
            + nearest_name(to or "", ["keras", *_FOLDERS])
        )
    if (to == "keras") != keras_file:
        raise UsageError(
            "Keras writes a file that ends in .keras or .weights.h5, other projects a "
            f"folder. Received: to={to!r}, {destination}."
        )
    if keras_file and destination.exists():
        raise UsageError(
            f"{destination} exists already. Choose another: no file is overwritten."
        )

    checkpoint = open_checkpoint(source, key=key)
    if others := stated_others(checkpoint.source.config):
        raise WeightsError(
            f"{checkpoint.source.name} must be a model of this package alone: what is "
            f"converted would answer otherwise without {some(others)}. Let "
            "`keras.models.load_model` load it as it is."
        )
    model = from_pretrained(
        source,
        classes=classes,
        class_names=class_names,
        new_head=new_head,
        head_rows=head_rows,
        resize=resize,
        key=key,
        **sizes,
    )
    if class_names is None:
        class_names = _kept_names(checkpoint, model, new_head or head_rows is not None)
    crop = stated_crop(checkpoint.source.config, checkpoint.source.processor)
    if to in _FOLDERS:
        return _FOLDERS[to](model, destination, class_names, crop_fraction=crop)
    destination.parent.mkdir(parents=True, exist_ok=True)
    if destination.suffix == ".keras":
        _save_keras(model, destination, class_names, crop, checkpoint)
    else:
        model.save_weights(destination)
    return destination


def _kept_names(checkpoint, model, is_other_head) -> tuple[str, ...]:
    """Return the names of a file's classes, if its head is the model's."""
    names = stated_class_names(checkpoint.source.config)
    is_kept = _class_count(model) == len(names) and not is_other_head
    return names if is_kept else ()


def _class_count(model) -> int:
    output = model.output
    scores = output
    if isinstance(output, dict):  # a detector's, or a segmenter's with a second head
        scores = output.get("one_scores", output.get("logits"))
    return scores.shape[-1]


def _save_keras(model, path, class_names, crop, checkpoint):
    """Save a model as a run does, with a card; nameless classes have numbers."""
    if is_segmenter(model):
        model = end_in_probabilities(model)
    config = model_config(model)
    of_source = read_card(checkpoint.source.path) if checkpoint.is_keras else None
    card = ModelCard(
        name=path.stem,
        variant=published_name(type(config), vars(config)) or "of other sizes",
        model=dataclasses.asdict(config),
        class_names=as_names(class_names) or as_names(range(_class_count(model))),
        crop_fraction=crop,
        normalizes=normalizes(model),
        **_use(checkpoint, of_source, model),
    )
    save_keras(model, path, card)


def _use(checkpoint, card, model) -> dict:
    """Return what a card says of how a model is used, beside that of its file."""
    task = _task(card, model)
    use = {"task": task}
    if card:
        is_boxed = card.letter_box and card.task == task
        use |= {"letter_box": is_boxed, "grey_range": card.grey_range}
    if task == "detect":
        sizes = dataclasses.asdict(checkpoint_head(checkpoint))
        use["train"] = {"head": "light", "head_sizes": sizes}
    return use


def _task(card, model) -> str:
    """Return what a model that was built is for, whatever its file was for."""
    if is_segmenter(model):
        return "segment"
    if isinstance(model.output, dict):
        return "detect"
    if _class_count(model) == 1:
        return "multi-label"
    if card and card.task in ("classify", "multi-label"):
        return card.task  # logits do not tell the two apart
    is_sigmoid = top_activation(model_layers(model)) == "sigmoid"
    return "multi-label" if is_sigmoid else "classify"


def info(source) -> dict:
    """Return what a checkpoint or a file of ours holds, from its header.

    Args:
        source: As in `swin_keras.load_weights`.

    Returns:
        `source`, `path`, `bytes`, `format`, `version` (`"Swin"` or `"Swin V2"`),
        `variant` (the published one of these sizes, or `None`), `head` (the kind of a
        segmenter's, `"detector"`, or `None`), `classes` (`None` without any head),
        `parameters`,
        `class_names` (may be empty), and the fields of the configuration under
        `config`.

    Raises:
        WeightsError: If the file is missing, damaged or of another kind.
    """
    checkpoint = open_checkpoint(source)
    config, found = checkpoint_config(checkpoint), checkpoint.source
    head = checkpoint_head(checkpoint)
    kind = "detector" if isinstance(head, DetectionHead) else head and head.kind
    classes = None
    if kind or checkpoint.has("head.weight"):
        classes = head_classes(checkpoint)
    return {
        "source": found.name,
        "path": str(found.path),
        "bytes": found.path.stat().st_size,
        "format": checkpoint.format.name,
        "version": "Swin V2" if isinstance(config, SwinV2Config) else "Swin",
        "variant": published_name(type(config), vars(config)),
        "head": kind,
        "classes": classes,
        "parameters": checkpoint.num_parameters(),
        "class_names": list(stated_class_names(found.config)),
        "config": vars(config),
    }
