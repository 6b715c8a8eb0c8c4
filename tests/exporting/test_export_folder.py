"""The folder of a trained model's export describes itself."""

import hashlib
import json

import numpy as np
import pytest
import tensorflow as tf


def test_the_folder_describes_itself(exported):
    card = json.loads((exported / "card.json").read_text())
    assert card["class_names"] == list("0123456789")
    assert (exported / "labels.txt").read_text().split() == card["class_names"]
    for name, file in card["files"].items():
        content = (exported / name).read_bytes()
        assert len(content) == file["bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert {"model.keras", "model.tflite"} <= set(card["files"])
    assert "swin-keras export" in (exported / "README.md").read_text()


def test_accuracy_is_measured_where_the_data_is_at_hand(exported):
    card = json.loads((exported / "card.json").read_text())
    accuracies = [check["score"] for check in card["checks"].values()]
    assert accuracies == pytest.approx([accuracies[0]] * len(accuracies), abs=0.02)


def test_the_saved_model_takes_any_batch_of_raw_images(exported):
    loaded = tf.saved_model.load(str(exported / "saved_model" / "1"))
    for batch in (1, 3):
        scores = loaded.serve(tf.zeros((batch, 16, 16, 1)) + 128.0)
        assert scores.shape == (batch, 10)
        assert float(tf.reduce_sum(scores)) == pytest.approx(batch, abs=1e-4)


def test_the_saved_model_has_an_endpoint_that_xla_compiles(exported):
    loaded = tf.saved_model.load(str(exported / "saved_model" / "1"))
    (function,) = loaded.serve_xla.concrete_functions
    attributes = [node.attr for node in function.graph.as_graph_def().node]
    assert any(attr["_XlaMustCompile"].b for attr in attributes)
    images = tf.random.uniform((2, 16, 16, 1), 0, 255, seed=0)
    np.testing.assert_allclose(
        loaded.serve_xla(images), loaded.serve(images), atol=1e-6
    )
    assert "serve_xla" in loaded.signatures
