"""What is exported: a model's file, its card, and the names of both."""

import dataclasses
import logging
import os
import shlex
from pathlib import Path

from swin_keras.errors import ModelFileError, UsageError
from swin_keras.explaining.class_map import class_maps
from swin_keras.explaining.regions import patches_of
from swin_keras.exporting.config import ExportConfig, check_printable
from swin_keras.exporting.inference_model import named_outputs
from swin_keras.inference.model_paths import find_keras_model
from swin_keras.model_files.card import CLASS_MAPS, ModelCard
from swin_keras.models.conventions import normalizes, require_float_weights
from swin_keras.names import check_name, printable
from swin_keras.options import option_words, path_word
from swin_keras.tasks import TASKS, task_named
from swin_keras.tasks.task import Task

log = logging.getLogger(__name__)
EXPORTED = {".tflite": "a LiteRT file", ".onnx": "an ONNX file"}
NO_NORMALIZATION = (
    "This model does not normalize images itself, as models with "
    "include_preprocessing=True do. `swin-keras predict` gives it 0..255 all the same."
)

NO_PROBABILITIES = (
    "This model does not end in a softmax or sigmoid, so its files give raw numbers. "
    "For probabilities, export keras.Model(model.input, "
    "keras.layers.Softmax()(model.output)); where each output is for itself, as one "
    "alone is, with keras.layers.Activation('sigmoid')."
)


def keras_model_of(given: Path) -> Path:
    """Return the Keras model that an export starts from.

    Raises:
        ModelFileError: If there is no model, or only an exported one.
    """
    source = find_keras_model(given)
    what = EXPORTED.get(source.suffix) or ("a SavedModel" if source.is_dir() else None)
    if what:
        raise ModelFileError(
            "An export starts from a run or a .keras file. Received: "
            f"{printable(source)}, which is {what}."
        )
    return source


def export_name(model: Path, source: Path, card: ModelCard | None, config) -> str:
    """Return the name of an export: the one asked for, the run's or the card's.

    The last two with the kind of the export, if it has one: "flowers-features".

    Raises:
        UsageError: If it cannot be a folder's name. What a card says is somebody
            else's word.
    """
    if config.name is not None:
        return config.name
    if model.is_dir():
        name, where = Path(os.path.abspath(model)).name, f"of {model}"
    elif card:
        name, where = card.name, f"in the card of {source}"
    else:
        name, where = source.stem, f"of {source}"
    what = f"An export's name, here that {where} (--name chooses another),"
    name = check_name(name, what, UsageError)
    for kind in ("features", "explain"):
        if getattr(config, kind):
            name = check_name(f"{name}-{kind}", what, UsageError)
    return name


def check_input(model) -> None:
    """Refuse a model that takes anything but images of one size, or is quantized.

    Raises:
        UsageError: If it does, or is.
    """
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or None in shapes[0][1:]:
        raise UsageError(
            "An exported model must take images of one size: one input of the shape "
            "(None, height, width, channels) with known sides. Received: "
            f"{', '.join(map(str, shapes))}."
        )
    require_float_weights(model, "exported")


def task_of_export(card: ModelCard | None, model, config: ExportConfig) -> Task:
    """Return what an export is for: what was asked, what the card says, what it is.

    Raises:
        UsageError: If the model's answers are of no known kind.
    """
    if config.features:
        return task_named("features")
    if card and _fits(task_named(card.task), model):
        return task_named(card.task)
    for task in map(task_named, TASKS):
        if task.owns(model):
            return task
    if _fits(task_named("classify"), model):
        return task_named("classify")
    shapes = [tuple(value.shape) for value in named_outputs(model).values()]
    raise UsageError(
        "An exported model must be a classifier, whose answer has the shape (None, "
        "classes), or a segmenter, detector or backbone of this package. Received: "
        f"outputs of the shapes {', '.join(map(str, shapes))}. --features exports the "
        "feature maps of a Swin Transformer's stages."
    )


def _fits(task: Task, model) -> bool:
    """Return whether a model's outputs are those of a task."""
    try:
        task.class_count(_shapes(model))
    except ValueError:
        return False
    return True


def _shapes(model) -> dict[str, list]:
    """Return the shape of each output by name, without the batch."""
    return {key: list(value.shape[1:]) for key, value in named_outputs(model).items()}


def nameless_card(model, exported, task: Task, name: str, config) -> ModelCard:
    """Return the card of a model that has none: its classes have numbers.

    Args:
        model: As it was loaded.
        exported: As it will be exported.
        task: What it is for.
        name: Of the export.
        config: Of the export.

    Raises:
        UsageError: If nothing says how many classes it has.
    """
    classes = _class_count(task, _shapes(exported))
    if classes is None:  # boxes do not tell
        classes = _class_count(task, _shapes(model)) or len(config.class_names or ())
        if not classes:
            raise UsageError(
                "A detector that gives boxes without a card does not say how many "
                "classes it has. Name them: --class-names."
            )
    return ModelCard(name, "a Keras model", {}, tuple(map(str, range(classes))))


def complete_card(
    card: ModelCard,
    model,
    task: Task,
    name: str,
    given: Path,
    config: ExportConfig,
) -> ModelCard:
    """Return the card of an export, as far as it is known before the files are.

    Args:
        card: The model's own.
        model: What will be exported.
        task: What it is for.
        name: Of the export.
        given: What the user named: for the command that makes it again.
        config: Of the export.

    Raises:
        UsageError: If the names of the classes are not those of the outputs, or
            there are to be maps of classes and the model's head has none.
    """
    shapes = _shapes(model)
    classes = _class_count(task, shapes)
    if classes is None:
        classes = len(card.class_names)
    if not classes:
        names = _no_names(config)
    else:
        names = _checked_names(config.class_names or card.class_names, classes)
    if config.explain:
        shapes[CLASS_MAPS] = list(class_maps(model).shape[1:])
    takes_raw = normalizes(model)
    if names and not takes_raw:
        log.warning("%s", NO_NORMALIZATION)
    if task.gives_probabilities and "outputs" in shapes:
        log.warning("%s", NO_PROBABILITIES)
    sizes = {"input_shape": list(model.input_shape[1:])}
    cut, patch_size = patches_of(model)
    if patch_size:
        sizes["patch_size"] = patch_size
    trained = card.train
    if task.name != card.task:  # feature maps, whose pictures are those of the model
        trained = {"task": card.task, **trained}
    return dataclasses.replace(
        card,
        name=name,
        train=trained,
        model={**card.model, **sizes},
        resized_to=cut if patch_size and cut != model.input_shape[1:3] else None,
        class_names=names,
        task=task.name,
        metrics=card.metrics if names else {},
        command=_command(card, given, config),
        normalizes=takes_raw,
        outputs=shapes,
        checks={},  # those of an export that is exported again are not this one's
        files={},
        litert_batch_size=config.batch_size,
    )


def _class_count(task, shapes):
    try:
        return task.class_count(shapes)
    except ValueError as error:
        raise UsageError(f"{error}. Received: outputs of {shapes}.") from error


def _no_names(config):
    if config.class_names:
        raise UsageError(
            "`class_names` are those of a classifier. This export gives feature maps."
        )
    return ()


def _checked_names(names, classes: int) -> tuple[str, ...]:
    """Return the class names, which go into one line of `labels.txt` each."""
    for index, name in enumerate(names):
        check_printable(name, index)
    if len(names) != classes:
        raise UsageError(
            f"Each of the model's {classes} classes must have a name. Received: "
            f"{len(names)} names. Name them: --class-names."
        )
    return tuple(names)


def _command(card: ModelCard, given: Path, config: ExportConfig) -> str:
    words = ["swin-keras", "export", path_word(given)]
    for field in dataclasses.fields(config):
        value, option = getattr(config, field.name), field.name.replace("_", "-")
        if value == field.default or field.name == "overwrite":
            continue
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            values = value if isinstance(value, tuple) else (value,)
            words += option_words(option, *values)
    return " && ".join(part for part in (card.command, shlex.join(words)) if part)
