"""A detector that ends in its best points is a LiteRT file for phones."""

import functools

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from small_model import shaken

from swin_keras.exporting.inference_model import inference_model
from swin_keras.exporting.saved_model import write_for_conversion
from swin_keras.litert.conversion import converting
from swin_keras.litert.coverage import coverage
from swin_keras.litert.lint import lint
from swin_keras.models import (
    DetectionHead,
    SwinConfig,
    SwinDetector,
    end_in_detections,
)

TOY = SwinConfig(
    input_shape=(60, 90, 3),  # odd maps: 15 x 23, 8 x 12
    patch_size=4,
    embed_dim=16,
    depths=(1, 1),
    num_heads=(2, 4),
    window_size=4,
)
# What finds the best points and takes their rows; all else is XNNPACK's.
TOP_K = {
    "CAST": 2,
    "GATHER": 2,
    "GREATER": 1,
    "LESS": 1,
    "SELECT": 1,
    "TOPK_V2": 2,
}


@pytest.fixture(scope="module")
def detector():
    head = DetectionHead(channels=8, convolutions=1, first_stage=1, extra_levels=1)
    return shaken(SwinDetector(TOY, classes=3, head=head))


def write(model, folder):
    """Write a LiteRT file; return its path."""
    path = folder / "model.tflite"
    save = functools.partial(write_for_conversion, inference_model(model), 1)
    with converting(save, folder / "saved_model", path):
        pass
    return path


def assert_same(path, model):
    """Check a file's outputs against the model's, on one picture."""
    images = np.random.default_rng(0).uniform(0, 255, (1, *TOY.input_shape))
    images = images.astype("float32")
    found = Interpreter(str(path)).get_signature_runner()(images=images)
    expected = {name: np.asarray(x) for name, x in model(images).items()}
    assert set(found) == set(expected)
    for name, part in expected.items():
        assert found[name].dtype == "float32"
        largest = np.abs(part).max()
        np.testing.assert_allclose(found[name], part, atol=1e-5 * largest, rtol=1e-4)


def test_detections_are_one_graph_of_which_xnnpack_runs_all_but_the_top_k(
    detector, tmp_path
):
    model = end_in_detections(detector, max_detections=10, score_threshold=0.02)
    path = write(model, tmp_path)
    graph, run = lint(path), coverage(path)
    assert graph.max_rank <= 4
    (finding,) = graph.findings  # neither subgraphs nor flags
    assert "operations that are not portable" in finding
    operations = {name: graph.operations.get(name) for name in TOP_K}
    assert operations == TOP_K
    on_places = 3  # an addition and two reshapes of integers
    assert run.operations - run.delegated == sum(TOP_K.values()) + on_places
    assert_same(path, model)
    # Convolutions shared by levels are there once.
    kernels = sum(4 * np.prod(weight.shape) for weight in model.weights)
    assert path.stat().st_size < 1.2 * kernels + 200_000


def test_raw_outputs_are_one_piece_for_xnnpack(detector, tmp_path):
    names = ("one_scores", "one_boxes")
    outputs = {name: detector.output[name] for name in names}
    model = keras.Model(detector.input, outputs)
    path = write(model, tmp_path)
    assert lint(path).findings == ()
    assert lint(path).max_rank <= 4
    assert coverage(path).is_full
    assert_same(path, model)
