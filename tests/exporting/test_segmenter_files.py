"""Segmenters as LiteRT files: one partition of XNNPACK, rank 4, the same numbers."""

import functools

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from small_model import SMALL, shaken

from swin_keras.applications import SwinSegmenter
from swin_keras.exporting.inference_model import inference_model
from swin_keras.exporting.saved_model import write_for_conversion
from swin_keras.litert.conversion import converting
from swin_keras.litert.coverage import coverage
from swin_keras.litert.lint import lint
from swin_keras.models import SegmentationHead

HEADS = [
    SegmentationHead("mlp", channels=8, sub_pixel=True, detail_channels=4),
    pytest.param(
        SegmentationHead("mlp", channels=8, sub_pixel=True), marks=pytest.mark.slow
    ),
    pytest.param(SegmentationHead("mlp", channels=8), marks=pytest.mark.slow),
    # Pools that divide the last map, and pools that do not.
    pytest.param(
        SegmentationHead("upernet", channels=8, pool_sizes=(1, 2, 3, 6)),
        marks=pytest.mark.slow,
    ),
    pytest.param(SegmentationHead("unet"), marks=pytest.mark.slow),
]


@pytest.mark.parametrize(
    "head",
    HEADS,
    ids=lambda head: (
        head.kind
        + "-sub-pixel" * head.sub_pixel
        + "-detail" * bool(head.detail_channels)
    ),
)
def test_xnnpack_runs_all_of_a_segmenter_in_one_piece(head, tmp_path):
    # Odd maps: patches, windows and merging are all padded.
    size = (38, 50, 3)
    model = shaken(SwinSegmenter(SMALL, head, input_shape=size, classes=3))
    path = tmp_path / "model.tflite"
    write = functools.partial(write_for_conversion, inference_model(model), 1)
    with converting(write, tmp_path / "saved_model", path):
        pass
    assert coverage(path).is_full, coverage(path)
    assert lint(path).findings == ()
    assert lint(path).max_rank == 4
    x = np.random.default_rng(0).uniform(0, 255, (1, *size)).astype("float32")
    expected = model(x, training=False).numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(run(path, x) / scale, expected / scale, atol=1e-5)


def run(path, x):
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
