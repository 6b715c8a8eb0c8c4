"""Export a trained model: `swin-keras export RUN`, or `swin_keras.export(RUN)`."""

import contextlib
import dataclasses
import errno
import hashlib
import logging
from pathlib import Path

from swin_keras.backend import require_tensorflow
from swin_keras.errors import ResourceError
from swin_keras.explaining.class_map import class_maps
from swin_keras.exporting.config import FORMATS, ExportConfig
from swin_keras.exporting.folder import new_export
from swin_keras.exporting.images import (
    calibration_images,
    comparison_images,
    evaluator,
)
from swin_keras.exporting.inference_model import inference_model, with_plain_output
from swin_keras.exporting.litert import exporting_litert
from swin_keras.exporting.onnx_file import export_onnx, require_onnx
from swin_keras.exporting.readme import readme_text
from swin_keras.exporting.saved_model import export_saved_model
from swin_keras.exporting.source import (
    check_input,
    complete_card,
    export_name,
    keras_model_of,
    nameless_card,
    task_of_export,
)
from swin_keras.exporting.verify import require_good, verify
from swin_keras.files import expanded, write_text
from swin_keras.inference.model_paths import path_of_model
from swin_keras.inference.precision import true_float32
from swin_keras.model_files import load_keras, read_card, save_keras
from swin_keras.model_files.card import CLASS_MAPS, ModelCard
from swin_keras.options import require_unicode
from swin_keras.tasks import task_named

log = logging.getLogger(__name__)
OF_DISK = (  # what a folder that is full, closed or none makes of writing
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EPERM,
    errno.EROFS,
)


def export(model, config: ExportConfig | None = None) -> Path:
    """Write the forms of a model to `saved_models/<name>/` and check each.

    `model.keras`, the forms of `config.formats`, `labels.txt`, `card.json` and
    `README.md`. The folder appears when it is complete and every form gives the
    Keras model's numbers and runs whole on a phone; a failure leaves a previous
    export as it was.

    Args:
        model: A run's folder, or a `.keras` file: best with a card, since other
            models' classes have numbers for names.
        config: Where to and how; `None` for the defaults.

    Returns:
        The folder.

    Raises:
        ModelFileError: If there is no such model.
        UsageError: If there is something of this name already, the name, its folder's
            or those of the classes cannot be, or there is no image to calibrate on.
        ExportError: If a form cannot be made or differs from the Keras model.
        ResourceError: If the folder cannot be written.
    """
    config, given = config or ExportConfig(), path_of_model(model)
    if "onnx" in config.formats:
        require_onnx()
    require_tensorflow("Export", "It reads a .keras file of any backend.")
    source = keras_model_of(given)
    own = read_card(source)  # first: it must not contradict the one beside it
    card = read_card(given) or own
    name = export_name(given, source, card, config)
    target = expanded(config.saved_models_dir) / name
    require_unicode("saved_models_dir", target)  # TensorFlow cannot write elsewhere
    with (
        _resource_errors(target),
        new_export(target, config.overwrite) as folder,
        true_float32(),
    ):
        model = with_plain_output(load_keras(source))
        check_input(model)
        task = task_of_export(card, model, config)
        loaded, model = model, task.export_model(model)
        card = card or nameless_card(loaded, model, task, name, config)
        card = complete_card(card, model, task, name, given, config)
        images = comparison_images(config, given, card)
        _write_forms(folder, model, card, config, images)
    log.info("exported to %s", target)
    return target


@contextlib.contextmanager
def _resource_errors(target: Path):
    """Turn what a full disk or a closed folder raises into one sentence."""
    try:
        yield
    except Exception as error:  # TensorFlow has its own kind for a full disk
        is_full = "No space left" in str(error)
        of_disk = isinstance(error, OSError) and error.errno in OF_DISK
        if not (is_full or of_disk):
            raise
        reason = "no space is left" if is_full else str(error).splitlines()[0]
        raise ResourceError(
            f"The export's folder must be writable and have room. {target}: {reason}."
        ) from error


def _write_forms(folder: Path, model, card: ModelCard, config, images):
    log.info("writing %s", ", ".join(("keras", *config.formats)))
    # The first cards lack what only the finished files can tell.
    save_keras(inference_model(model, fold=False), folder / "model.keras", card)
    folded = inference_model(model)
    beside = {CLASS_MAPS: class_maps(folded)} if config.explain else {}
    needs_calibration = "litert-int8-static" in config.formats
    with exporting_litert(
        folded,
        folder,
        config.formats,
        card,
        batch_size=config.batch_size or None,
        calibration=calibration_images(config, card) if needs_calibration else None,
        beside=beside,
    ):
        if "saved_model" in config.formats:
            directory = folder / FORMATS["saved_model"]
            is_boxed = card.letter_box and task_named(card.task).finds_boxes
            export_saved_model(folded, directory, beside, letter_box=is_boxed)
            _write_saved_model_card(directory, card)
        if "onnx" in config.formats:
            export_onnx(folded, folder / FORMATS["onnx"], beside, card)
    if config.verify:
        card = dataclasses.replace(card, checks=_check(folder, card, config, *images))
    if card.class_names:
        labels = "\n".join(card.class_names) + "\n"
        (folder / "labels.txt").write_text(labels, "utf-8")
    card = dataclasses.replace(card, files=_describe_files(folder))
    readme = folder / "README.md"
    write_text(readme, readme_text(card))
    card = dataclasses.replace(card, files=card.files | {readme.name: _about(readme)})
    (folder / "card.json").write_text(card.to_json(), "utf-8")


def _check(folder, card, config, images, are_real) -> dict:
    log.info("checking every form against Keras on %d images", len(images))
    names_classes = bool(card.class_names)
    checks = verify(
        folder,
        task_named(card.task),
        config.formats,
        images,
        are_real=are_real,
        evaluate=evaluator(config, card) if names_classes else None,
        explained=config.explain,
    )
    require_good(checks)
    return {check.form: check.to_dict() for check in checks}


def _write_saved_model_card(directory: Path, card: ModelCard):
    extra = directory / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / "card.json").write_text(card.to_json(), "utf-8")


def _describe_files(folder: Path) -> dict:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): _about(path) for path in files}


def _about(file: Path) -> dict:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"bytes": file.stat().st_size, "sha256": digest}
