"""Export a trained model: `swin-keras export RUN`, or `swin_keras.export(RUN)`."""

import dataclasses
import hashlib
import logging
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from swin_keras.card import ModelCard
from swin_keras.data import load_image
from swin_keras.errors import ExportError, ModelFileError, ResourceError, UsageError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.litert import export_litert, inspect_litert
from swin_keras.exporting.readme import describe
from swin_keras.exporting.saved_model import export_saved_model
from swin_keras.inference import Predictor, find_model, image_files
from swin_keras.model_files import embed_card, load_keras, read_card, save_keras

log = logging.getLogger(__name__)
TOLERANCE = 1e-4  # largest difference of probabilities, float32 forms
NOISE_IMAGES = 8


def export(model, config: ExportConfig | None = None) -> Path:
    """Write all forms of a model to `saved_models/<name>/` and compare them.

    `model.keras`, `saved_model/1`, `model.tflite`, `labels.txt`, `card.json` and
    `README.md`. The folder appears when it is complete and every form gives the
    Keras model's numbers; a failure leaves a previous export as it was.

    Args:
        model: A run's folder, or a `.keras` file with a card.
        config: Where to and how; `None` for the defaults.

    Returns:
        The folder.

    Raises:
        ModelFileError: If there is no such model, or it has no card.
        UsageError: If there is an export of this name already.
        ExportError: If a form cannot be made or differs from the Keras model.
        ResourceError: If the folder cannot be written.
    """
    config = config or ExportConfig()
    source = find_model(Path(model))
    card = _card_of(Path(model), source)
    name = config.name or (Path(model).name if Path(model).is_dir() else card.name)
    target = Path(config.saved_models_dir) / name
    if target.exists() and not config.overwrite:
        raise UsageError(
            f"An export must have a name of its own, and {target} exists. "
            "Choose another --name, or replace it with --overwrite true."
        )
    images = _comparison_images(config, Path(model), card)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as part:
            folder = Path(part) / name
            folder.mkdir()
            command = f"{card.command} && swin-keras export {model}"
            card = dataclasses.replace(card, name=name, command=command)
            _write_forms(folder, source, card, images)
            _put_in_place(folder, target)
    except OSError as error:
        raise ResourceError(
            f"The export's folder must be writable and have room. {target}: {error}."
        ) from error
    log.info("exported to %s", target)
    return target


def _card_of(model: Path, source: Path) -> ModelCard:
    card = read_card(model) or read_card(source)
    if card is None:
        raise ModelFileError(
            f"A model to export must have a card with its class names. {source} has "
            "none; train it with `swin-keras train`."
        )
    return card


def _comparison_images(config, model: Path, card: ModelCard) -> np.ndarray:
    """Return images to compare the forms on: uint8 `(B, H, W, C)`."""
    height, width, channels = card.model["input_shape"]
    folder = Path(config.images) if config.images else model / "samples"
    if config.images or folder.is_dir():
        files = image_files(folder)
        return np.stack(
            [
                load_image(f, (height, width), channels, card.crop_fraction)
                for f in files
            ]
        )
    log.info("no images to compare on (--images): random noise instead")
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (NOISE_IMAGES, height, width, channels), np.uint8)


def _write_forms(folder: Path, source: Path, card: ModelCard, images):
    model = load_keras(source)
    litert_file = folder / "model.tflite"
    log.info("writing SavedModel and LiteRT")
    export_saved_model(model, folder / "saved_model" / "1")
    export_litert(model, litert_file)
    graph = inspect_litert(litert_file)
    log.info(
        "LiteRT: %d operations, no tensor above rank %d, %s",
        *(sum(graph.operations.values()), graph.max_rank),
        "all run by XNNPACK" if graph.delegated else "not all run by XNNPACK",
    )

    # The first cards lack what only the finished files can tell.
    save_keras(model, folder / "model.keras", card)
    _write_saved_model_card(folder, card)
    embed_card(litert_file, card)
    parity = compare(folder, images)
    card = dataclasses.replace(card, parity=parity, files=_describe_files(folder))
    (folder / "card.json").write_text(card.to_json(), "utf-8")
    (folder / "labels.txt").write_text("\n".join(card.class_names) + "\n", "utf-8")
    (folder / "README.md").write_text(describe(card), "utf-8")


def compare(folder: Path, images: np.ndarray) -> dict[str, float]:
    """Return each form's largest difference from the Keras model's probabilities.

    Raises:
        ExportError: If one is above the tolerance or names another best class.
    """
    expected = Predictor(folder / "model.keras").probabilities(images)
    parity = {"images": len(images)}
    for form in ("saved_model/1", "model.tflite"):
        scores = Predictor(folder / form).probabilities(images)
        difference = float(np.abs(scores - expected).max())
        agreement = float((scores.argmax(-1) == expected.argmax(-1)).mean())
        log.info(
            "%-13s largest difference to Keras %.1e, same best class on %.0f %% of "
            "%d images",
            *(form, difference, 100 * agreement, len(images)),
        )
        if not difference <= TOLERANCE:
            raise ExportError(
                f"{form} must agree with the Keras model within {TOLERANCE}. "
                f"Largest difference on {len(images)} images: {difference:.2e}."
            )
        parity[form] = difference
    return parity


def _write_saved_model_card(folder: Path, card: ModelCard):
    extra = folder / "saved_model" / "1" / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / "card.json").write_text(card.to_json(), "utf-8")


def _describe_files(folder: Path) -> dict:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
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
