"""A detector that ends in its best points is a LiteRT file for phones."""

import functools

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from small_model import shaken

import swin_keras
from swin_keras.applications import SwinDetector
from swin_keras.exporting.inference_model import inference_model
from swin_keras.exporting.saved_model import write_for_conversion
from swin_keras.litert.conversion import converting
from swin_keras.litert.coverage import coverage
from swin_keras.litert.detector_metadata import detector_metadata
from swin_keras.litert.lint import lint
from swin_keras.litert.metadata import add_labels
from swin_keras.litert.metadata_tables import attach, output_names
from swin_keras.litert.tables import pack, read_tables
from swin_keras.model_files.card import ModelCard
from swin_keras.models import (
    DetectionHead,
    SwinConfig,
    end_in_detections,
)
from swin_keras.tasks import task_named

TOY = SwinConfig(
    input_shape=(60, 90, 3),  # odd maps: 15 x 23, 8 x 12
    patch_size=4,
    embed_dim=16,
    depths=(1, 1),
    num_heads=(2, 4),
    window_size=4,
)
CLASSES = ("cat", "dog", "bird")
# What finds the best points and classes and takes their rows; all else is XNNPACK's.
TOP_K = {
    "CAST": 2,
    "FLOOR_DIV": 1,
    "FLOOR_MOD": 1,
    "GATHER": 1,
    "GREATER": 1,
    "LESS": 1,
    "SELECT": 1,
    "TOPK_V2": 1,
}


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)  # a fixture of a module comes before every seed
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


@pytest.fixture(scope="module")
def ending(detector):
    return end_in_detections(detector, max_detections=10, score_threshold=0.01935)


@pytest.fixture(scope="module")
def file(ending, tmp_path_factory):
    """Return the LiteRT file of a detector that ends in its best points."""
    return write(ending, tmp_path_factory.mktemp("detector"))


def test_detections_are_one_graph_of_which_xnnpack_runs_all_but_the_top_k(file, ending):
    path, model = file, ending
    graph, run = lint(path), coverage(path)
    assert graph.max_rank <= 4
    (finding,) = graph.findings  # neither subgraphs nor flags
    assert "operations that are not portable" in finding
    operations = {name: graph.operations.get(name) for name in TOP_K}
    assert operations == TOP_K
    on_places = 2  # an addition and a reshape of integers
    assert run.operations - run.delegated == sum(TOP_K.values()) + on_places
    assert_same(path, model)
    # Convolutions shared by levels are there once.
    kernels = sum(4 * np.prod(weight.shape) for weight in model.weights)
    assert path.stat().st_size < 1.2 * kernels + 200_000


@pytest.mark.slow
def test_raw_outputs_are_one_piece_for_xnnpack(detector, tmp_path):
    names = ("one_scores", "boxes")
    outputs = {name: detector.output[name] for name in names}
    model = keras.Model(detector.input, outputs)
    path = write(model, tmp_path)
    assert lint(path).findings == ()
    assert lint(path).max_rank <= 4
    assert coverage(path).is_full
    assert_same(path, model)


def test_mediapipe_finds_the_same_boxes(file, tmp_path):
    mediapipe = pytest.importorskip("mediapipe", reason="needs the extra `mediapipe`")
    from ai_edge_litert import schema_py_generated as schema
    from mediapipe.tasks.python import BaseOptions, vision

    card = ModelCard("toy", "swin_toy", {"input_shape": TOY.input_shape}, CLASSES)
    path = tmp_path / "toy.tflite"
    model = read_tables(file)
    assert set(output_names(model)) == {"boxes", "classes", "scores", "count"}
    attach(model, schema, detector_metadata(card, output_names(model)))
    path.write_bytes(pack(model))
    add_labels(path, card)

    sides = np.tile(TOY.input_shape[1::-1], 2)  # width, height, twice
    run = Interpreter(str(file)).get_signature_runner()
    options = vision.ObjectDetectorOptions(
        base_options=BaseOptions(model_asset_path=str(path)), max_results=10
    )
    seen = set()
    with vision.ObjectDetector.create_from_options(options) as detector:
        for seed in range(3):
            rng = np.random.default_rng(seed)
            pixels = rng.integers(0, 256, TOY.input_shape, np.uint8)
            expected = run(images=pixels[None].astype("float32"))
            count = int(expected["count"][0])
            image = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=pixels
            )
            found = detector.detect(image).detections
            assert len(found) == count > 0
            for number, detection in enumerate(found):
                (category,) = detection.categories
                kind = int(expected["classes"][0, number])
                seen.add(category.category_name)
                assert category.category_name == CLASSES[kind]
                score = float(expected["scores"][0, number])
                assert category.score == pytest.approx(score, abs=1e-4)
                box = detection.bounding_box
                y1, x1, y2, x2 = expected["boxes"][0, number]
                told = [box.origin_x, box.origin_y, box.width, box.height]
                exact = np.array([x1, y1, x2 - x1, y2 - y1]) * sides
                rest = exact - told  # MediaPipe cuts off parts of pixels
                assert ((rest > -1e-3) & (rest < 1 + 1e-3)).all()
    assert len(seen) > 1


def test_what_an_equal_box_puts_off_the_list_is_no_difference():
    """Even areas give many boxes of one score, of which the last places take some."""
    outputs = {
        "scores": np.array([[0.9, 0.6, 0.2, 0.2]]),
        "boxes": np.random.default_rng(0).random((1, 4, 4)),
        "classes": np.array([[0.0, 1.0, 2.0, 0.0]]),
    }
    compare = task_named("detect").compared
    expected, unit = compare(outputs)
    assert unit == 1
    for place, is_same in ((-1, True), (-2, True), (1, False)):
        boxes, classes = outputs["boxes"].copy(), outputs["classes"].copy()
        boxes[0, place] += 0.1
        classes[0, place] += 1
        given, _ = compare(outputs | {"boxes": boxes, "classes": classes})
        assert np.array_equal(given, expected) == is_same


@pytest.mark.slow
def test_every_operation_of_a_detector_is_timed_alone(ending, tmp_path):
    path = write(ending, tmp_path)
    result = swin_keras.benchmark(path, threads=(1,), seconds=0.1)
    counts = {kind: count for kind, (count, _) in result.profiles[str(path)].items()}
    assert {kind: counts[kind] for kind in TOP_K} == TOP_K
