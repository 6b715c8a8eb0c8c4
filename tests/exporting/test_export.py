"""The exported folder: what is in it, and what stops an export."""

import hashlib
import json

import pytest
import tensorflow as tf

from swin_keras.errors import ExportError, ModelFileError, UsageError
from swin_keras.exporting import export as module
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.exporting.litert import inspect_litert


def test_the_folder_describes_itself(exported):
    card = json.loads((exported / "card.json").read_text())
    assert card["class_names"] == list("0123456789")
    assert (exported / "labels.txt").read_text().split() == card["class_names"]
    for name, file in card["files"].items():
        content = (exported / name).read_bytes()
        assert len(content) == file["bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert {"model.keras", "model.tflite"} <= set(card["files"])
    assert card["parity"]["images"] == 16
    assert card["parity"]["model.tflite"] < 1e-5
    assert "swin-keras export" in (exported / "README.md").read_text()


def test_the_saved_model_takes_any_batch_of_raw_images(exported):
    loaded = tf.saved_model.load(str(exported / "saved_model" / "1"))
    for batch in (1, 3):
        scores = loaded.serve(tf.zeros((batch, 16, 16, 1)) + 128.0)
        assert scores.shape == (batch, 10)
        assert float(tf.reduce_sum(scores)) == pytest.approx(batch, abs=1e-4)


def test_the_litert_file_has_built_in_operations_of_four_axes_on_one_delegate(exported):
    report = inspect_litert(exported / "model.tflite")
    assert not [
        name for name in report.operations if "Flex" in name or name == "CUSTOM"
    ]
    assert report.max_rank <= 4
    assert report.delegated


def test_an_export_is_not_overwritten_unless_told(trained_run, exported):
    folder = str(exported.parent)
    before = (exported / "card.json").read_bytes()
    with pytest.raises(UsageError, match=r"exists. Choose another --name"):
        export(trained_run.path, ExportConfig(saved_models_dir=folder))
    assert (exported / "card.json").read_bytes() == before


def test_a_form_that_differs_fails_and_leaves_the_previous_export(
    trained_run, exported, monkeypatch
):
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    before = (exported / "card.json").read_bytes()
    with pytest.raises(ExportError, match="must agree with the Keras model"):
        export(
            trained_run.path,
            ExportConfig(saved_models_dir=str(exported.parent), overwrite=True),
        )
    assert (exported / "card.json").read_bytes() == before
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


def test_a_model_without_a_card_is_refused(tmp_path):
    from swin_keras.models import SwinNano

    SwinNano(classes=2).save(tmp_path / "bare.keras")
    with pytest.raises(ModelFileError, match="must have a card"):
        export(tmp_path / "bare.keras")
