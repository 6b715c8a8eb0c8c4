"""Export a trained model: `swin-keras export RUN`, or `swin_keras.export(RUN)`."""

import dataclasses
import hashlib
import logging
import os
import shutil
import tempfile
from pathlib import Path

from swin_keras.card import ModelCard
from swin_keras.errors import ResourceError, UsageError
from swin_keras.exporting.config import FORMATS, ExportConfig
from swin_keras.exporting.images import (
    accuracy_on_test_split,
    calibration_images,
    comparison_images,
)
from swin_keras.exporting.inference_model import feature_model, inference_model
from swin_keras.exporting.litert import exporting_litert
from swin_keras.exporting.onnx_file import export_onnx
from swin_keras.exporting.readme import describe
from swin_keras.exporting.saved_model import export_saved_model
from swin_keras.exporting.verify import require_good, verify
from swin_keras.inference import find_model
from swin_keras.model_files import load_keras, read_card, save_keras
from swin_keras.runtimes import KerasModel

log = logging.getLogger(__name__)


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
        UsageError: If there is an export of this name already, or no image to
            calibrate on.
        ExportError: If a form cannot be made or differs from the Keras model.
        ResourceError: If the folder cannot be written.
    """
    config = config or ExportConfig()
    source = _keras_file(Path(model))
    card = _card_of(Path(model), source)
    name = Path(model).name if Path(model).is_dir() else card.name
    command = f"{card.command} && swin-keras export {model}"
    if config.features:
        name, command = f"{name}-features", f"{command} --features"
        card = dataclasses.replace(card, class_names=(), metrics={})
    name = config.name or name
    target = Path(config.saved_models_dir) / name
    if target.exists() and not config.overwrite:
        raise UsageError(
            f"An export must have a name of its own, and {target} exists. "
            "Choose another --name, or replace it with --overwrite."
        )
    images = comparison_images(config, Path(model), card)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as part:
            folder = Path(part) / name
            folder.mkdir()
            card = dataclasses.replace(
                card,
                name=name,
                command=command,
                litert_batch_size=config.batch_size,
            )
            _write_forms(folder, source, card, config, images)
            _put_in_place(folder, target)
    except Exception as error:  # TensorFlow has its own kind for a full disk
        if not isinstance(error, OSError) and "No space left" not in str(error):
            raise
        raise ResourceError(
            "The export's folder must be writable and have room. "
            f"{target}: {str(error).splitlines()[0]}."
        ) from error
    log.info("exported to %s", target)
    return target


def _keras_file(model: Path) -> Path:
    for name in ("best.keras", "model.keras"):
        if (model / name).is_file():
            return model / name
    return find_model(model)


def _card_of(model: Path, source: Path) -> ModelCard:
    """Return a model's card, or one that tells what the file itself does."""
    card = read_card(model) or read_card(source)
    if card:
        return card
    model = KerasModel(source)
    shapes = list(model.outputs.values())
    is_classifier = len(shapes) == 1 and len(shapes[0]) == 1
    classes = shapes[0][0] if is_classifier else 0
    return ModelCard(
        name=source.stem,
        variant="a Keras model",
        model={"input_shape": model.input_shape},
        class_names=[str(index) for index in range(classes)],
    )


def _write_forms(folder: Path, source: Path, card: ModelCard, config, images):
    log.info("writing %s", ", ".join(("keras", *config.formats)))
    model = load_keras(source)
    if config.features:
        model = feature_model(model)
    # The first cards lack what only the finished files can tell.
    (folder / "card.json").write_text(card.to_json(), "utf-8")
    save_keras(inference_model(model, fold=False), folder / "model.keras", card)
    folded = inference_model(model)
    needs_calibration = "litert-int8-static" in config.formats
    with exporting_litert(
        folded,
        folder,
        config.formats,
        card,
        batch_size=config.batch_size or None,
        calibration=calibration_images(config, card) if needs_calibration else None,
    ):
        if "saved_model" in config.formats:
            directory = folder / FORMATS["saved_model"]
            export_saved_model(folded, directory)
            _write_saved_model_card(directory, card)
        if "onnx" in config.formats:
            export_onnx(folded, folder / FORMATS["onnx"])
    if config.verify:
        card = dataclasses.replace(card, checks=_check(folder, card, config, *images))
    card = dataclasses.replace(card, files=_describe_files(folder))
    (folder / "card.json").write_text(card.to_json(), "utf-8")
    if card.class_names:
        labels = "\n".join(card.class_names) + "\n"
        (folder / "labels.txt").write_text(labels, "utf-8")
    (folder / "README.md").write_text(describe(card), "utf-8")


def _check(folder, card, config, images, are_real) -> dict:
    log.info("checking every form against Keras on %d images", len(images))
    names_classes = bool(card.class_names)
    checks = verify(
        folder,
        config.formats,
        images,
        are_real=are_real and names_classes,
        accuracy=accuracy_on_test_split(config, card) if names_classes else None,
    )
    require_good(checks)
    return {check.form: check.to_dict() for check in checks}


def _write_saved_model_card(directory: Path, card: ModelCard):
    extra = directory / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / "card.json").write_text(card.to_json(), "utf-8")


def _describe_files(folder: Path) -> dict:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    files.remove(folder / "card.json")  # which is not finished yet
    return {
        str(path.relative_to(folder)): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in files
    }


def _put_in_place(folder: Path, target: Path):
    """Rename the finished folder; keep the old one until the new one is there."""
    old = None
    if target.exists():
        old = folder.parent / "old"
        os.replace(target, old)
    try:
        os.replace(folder, target)
    except OSError:
        if old:
            os.replace(old, target)
        raise
    if old:
        shutil.rmtree(old)
