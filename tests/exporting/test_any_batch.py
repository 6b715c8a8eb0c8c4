"""Files for any number of images: all tasks and heads, whole on phones in each form."""

import functools

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from small_model import SMALL, shaken

from swin_keras.applications import SwinDetector, SwinSegmenter
from swin_keras.explaining.class_map import file_class_maps
from swin_keras.exporting.config import FORMATS, ExportConfig
from swin_keras.exporting.export import export
from swin_keras.exporting.inference_model import inference_model
from swin_keras.exporting.saved_model import write_for_conversion
from swin_keras.exporting.verify import EXACT, LIMITS, sqnr
from swin_keras.inference.runtimes import open_model
from swin_keras.layers import TopDetections, points_of
from swin_keras.litert.conversion import converting
from swin_keras.litert.coverage import coverage
from swin_keras.litert.lint import lint
from swin_keras.model_files import read_card
from swin_keras.model_files.card import CLASS_MAPS
from swin_keras.models import (
    DetectionHead,
    SegmentationHead,
    SwinClassifier,
    SwinV2Config,
)
from swin_keras.tasks import task_named

ODD = {"input_shape": (38, 50, 3)}  # patches, windows and merging are all padded
V2 = SwinV2Config(**(vars(SMALL) | {"drop_path_rate": 0.0}))
FORMS = ("litert", "litert-fp16", "litert-int8")


def segmenter(kind, config=SMALL, **sizes):
    if kind != "unet":
        sizes["channels"] = 8
    head = SegmentationHead(kind, **sizes)
    return SwinSegmenter(config, head, classes=3, **ODD)


def detector(**sizes):
    head = DetectionHead(channels=8, first_stage=1, extra_levels=1, **sizes)
    return SwinDetector(SMALL.replace(**ODD), classes=3, head=head)


def classifier():
    return SwinClassifier(SMALL, classes=5)


MODELS = {
    "mlp": (segmenter, {"kind": "mlp"}),
    "mlp-sub-pixel": (segmenter, {"kind": "mlp", "sub_pixel": True}),
    "mlp-detail": (
        segmenter,
        {"kind": "mlp", "sub_pixel": True, "detail_channels": 4},
    ),
    "upernet": (segmenter, {"kind": "upernet"}),
    "upernet-sub-pixel": (segmenter, {"kind": "upernet", "sub_pixel": True}),
    "unet": (segmenter, {"kind": "unet"}),
    "unet-v2": (segmenter, {"kind": "unet", "config": V2}),
    "detector": (detector, {"convolutions": 1}),
    "detector-deep": (detector, {"convolutions": 2, "norm": "none"}),
    "classifier": (classifier, {}),
    "explain": (classifier, {}),
    "features": (classifier, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_files_of_every_task_take_any_number_of_images(name, tmp_path):
    make, options = MODELS[name]
    shaken(make(**options)).save(tmp_path / "toy.keras")
    config = ExportConfig(
        saved_models_dir=str(tmp_path),
        formats=FORMS,
        batch_size=0,
        explain=name == "explain",
        features=name == "features",
    )
    folder = export(tmp_path / "toy.keras", config)  # which checks each form
    original = open_model(folder / "model.keras")
    task = task_named(read_card(folder / "model.keras").task)
    files = {form: open_model(folder / FORMATS[form]) for form in FORMS}
    for count in (1, 3):
        images = some_images((count, *original.input_shape))
        expected, unit = task.compared(original(images))
        for form, file in files.items():
            outputs = file(images)
            if name == "explain":
                maps = file_class_maps(folder / "model.keras", images)
                assert_close(form, outputs.pop(CLASS_MAPS), maps, np.abs(maps).max())
            given, _ = task.compared(outputs)
            assert_close(form, given, expected, unit)


def assert_close(form, given, expected, unit):
    assert given.shape == expected.shape
    limits = LIMITS.get(form, EXACT)
    assert np.abs(given - expected).max() <= limits.difference * unit, form
    assert sqnr(expected, given) >= limits.sqnr, form


def some_images(shape):
    return np.random.default_rng(0).uniform(0, 255, shape).astype("float32")


def test_no_step_of_a_file_asks_how_many_images_there_are(tmp_path):
    """The steps that do as Keras has them: dense layers, reshapes, and gathers."""
    size, strides, classes = (16, 16), (4, 8), 3
    images = keras.Input((*size, 3))
    rows = []
    for stride in strides:
        x = keras.layers.Conv2D(8, stride, strides=stride)(images)
        x = keras.layers.Dense(classes + 4, activation="gelu")(x)
        rows.append(keras.layers.Reshape((-1, classes + 4))(x))
    rows = keras.layers.Concatenate(axis=1)(rows)
    scores = keras.layers.Dense(classes)(rows)
    distances = keras.layers.ReLU()(keras.layers.Dense(4)(rows))
    points, _ = points_of(size, strides)
    assert rows.shape[1] == len(points)
    outputs = TopDetections(size, strides, 10)((scores, distances))
    model = shaken(keras.Model(images, outputs))

    path = tmp_path / "model.tflite"
    write = functools.partial(write_for_conversion, inference_model(model), None)
    with converting(write, tmp_path / "saved_model", path):
        pass
    graph, run = lint(path, task_named("detect").tail), coverage(path)
    assert graph.findings == ()
    assert run.operations - run.delegated <= graph.in_tail
    assert run.partitions <= 2  # one before the tail, one of its numbers
    for count in (1, 3):
        pictures = some_images((count, *size, 3))
        found = Interpreter(str(path)).get_signature_runner()(images=pictures)
        for name, expected in model(pictures).items():
            expected = np.asarray(expected)
            assert found[name].shape == expected.shape
            atol = 1e-5 * np.abs(expected).max()
            np.testing.assert_allclose(found[name], expected, atol=atol, rtol=1e-4)
