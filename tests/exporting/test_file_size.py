"""A LiteRT file that is written again is as small as it can be."""

from collections import Counter

import pytest

from swin_keras.litert.tables import has_data, read_tables

FORMS = ["model.tflite", "model_fp16.tflite", "model_int8.tflite"]


@pytest.mark.parametrize("name", FORMS)
def test_every_buffer_but_the_first_holds_something_that_is_used(small_export, name):
    model = read_tables(small_export / name)
    (graph,) = model.subgraphs
    assert not has_data(model.buffers[0])
    assert all(has_data(buffer) for buffer in model.buffers[1:])
    used = {tensor.buffer for tensor in graph.tensors}
    used |= {entry.buffer for entry in model.metadata}
    assert used == set(range(len(model.buffers)))


def test_equal_zero_points_are_written_once(small_export):
    path = small_export / "model_int8.tflite"
    model = read_tables(path)
    sizes = Counter(
        len(tensor.quantization.zeroPoint)
        for tensor in model.subgraphs[0].tensors
        if tensor.quantization and tensor.quantization.zeroPoint is not None
    )
    size = max(size for size, count in sizes.items() if count > 1)
    assert path.read_bytes().count(bytes(8 * size)) == 1
