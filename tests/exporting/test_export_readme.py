"""The README of an export tells what its files take, and of no others."""

import pytest

from swin_keras.exporting.markdown import as_text
from swin_keras.exporting.readme import readme_text
from swin_keras.model_files.card import CLASS_MAPS, ModelCard

FILE = {"bytes": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("batch_size", "words"),
    [(1, "take one image at a time"), (4, "take 4 images"), (0, "take any number of")],
)
def test_the_batch_of_the_litert_files_is_told(batch_size, words):
    card = ModelCard("toy", "swin", {"input_shape": (16, 16, 1)}, ("cat", "dog"))
    fields = {"files": {"model.tflite": FILE}, "litert_batch_size": batch_size}
    said = readme_text(ModelCard(**(vars(card) | fields)))
    assert words in said
    assert ("cannot be resized" in said) == (batch_size > 0)
    assert ".tflite" not in readme_text(card)


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        ({}, True),
        ({"task": "segment", "outputs": {"probabilities": [4, 4, 2]}}, True),
        ({"litert_batch_size": 4}, False),
        ({"normalizes": False}, False),
        ({"outputs": {"outputs": [2]}}, False),
        ({"outputs": {"probabilities": [2], CLASS_MAPS: [4, 4, 2]}}, False),
        ({"files": {"saved_model/1/saved_model.pb": FILE}}, False),
        ({"model": {"input_shape": (16, 16, 1)}}, False),
    ],
)
def test_mediapipe_is_spoken_of_where_a_file_is_for_it(fields, is_told):
    card = ModelCard("toy", "swin", {"input_shape": (16, 16, 3)}, ("cat", "dog"))
    fields = {"files": {"model.tflite": FILE}} | fields
    assert ("MediaPipe" in readme_text(ModelCard(**(vars(card) | fields)))) == is_told


def test_the_endpoints_of_a_saved_model_are_told():
    card = ModelCard("toy", "swin", {"input_shape": (16, 16, 3)}, ("cat", "dog"))
    fields = {"files": {"saved_model/1/saved_model.pb": FILE}}
    assert "`serve_xla`" in readme_text(ModelCard(**(vars(card) | fields)))
    assert "`serve_xla`" not in readme_text(card)


def test_a_command_of_several_lines_stays_one_block_of_code():
    command = "swin-keras train 'my\n\n# photos' && swin-keras export 'runs/a\x1bb'"
    card = ModelCard("toy", "swin", {"input_shape": (16, 16, 3)}, ("cat", "dog"))
    lines = readme_text(ModelCard(**(vars(card) | {"command": command}))).split("\n")
    start = lines.index("    swin-keras train 'my")
    assert lines[start + 1 : start + 4] == [
        "    ",
        r"    # photos' && swin-keras export 'runs/a\x1bb'",
        "",
    ]


def test_names_are_no_marks_of_markdown():
    names = ("a | b", "`c`", "_d_", "traffic_light", "<b>", "C#")
    card = ModelCard("to*y*", "sw`in", {"input_shape": (16, 16, 3)}, names)
    fields = {"data": {"name": "a\n\n<img>"}, "metrics": {"val_a|b": 0.5}}
    said = readme_text(ModelCard(**(vars(card) | fields)))
    assert said.startswith(
        r"""# to\*y\*

`` sw`in ``, 16 x 16 x 3, 6 classes: a \| b, \`c\`, \_d\_, traffic_light, \<b\>, C\#.

Trained on a\\n\\n\<img\>. Made by:
"""
    )
    assert r"| val a\|b | 0.5 |" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("__init__", r"\_\_init\_\_"),  # one mark alone left would be emphasis
        ("a__b_", r"a\_\_b\_"),
        ("traffic_light", "traffic_light"),
    ],
)
def test_underscores_of_a_name_are_no_emphasis(name, said):
    assert as_text(name) == said
