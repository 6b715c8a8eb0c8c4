"""Damaged files of every kind: taken, or refused in words; none is dead or silent.

The long run, with a table: `python benchmarks/attacks.py`.
"""

import file_attacks
import numpy as np
import pytest
from attack import attack, counts
from damages import damaged_json, damaged_table
from originals import make_data, make_originals

GOOD = {"refused", "equal", "other"}
OF_DATA = "images, and label table, and IDX"  # without a run or an export
OF_RUNS_AND_EXPORTS = [  # which import TensorFlow once together
    "options (YAML), and study (YAML), and checkpoint of a run",
    "export, .tflite, and export, .keras, and export, SavedModel",
]


@pytest.fixture(scope="module")
def originals(trained_run, exported, digits_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals") / "originals"
    make_originals(folder, trained_run.path, exported, digits_dir / "digits")
    return folder


def check(kind, count, originals):
    attempts = attack(file_attacks.__file__, kind, count, originals)
    print(f"{kind}: {counts(attempts)}")
    assert {a.number: a.result for a in attempts if a.result not in GOOD} == {}
    return counts(attempts)


def test_a_few_damaged_files_of_data_are_taken_or_refused(tmp_path):
    make_data(tmp_path / "originals")
    found = check(OF_DATA, 45, tmp_path / "originals")
    assert found["refused"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("kinds", OF_RUNS_AND_EXPORTS)
def test_a_few_damaged_files_are_taken_or_refused(kinds, originals):
    found = check(kinds, 45, originals)
    assert found["refused"] > 10
    if kinds.startswith("export"):  # whose SHA-256 is at hand
        assert found == {"refused": 45}


@pytest.mark.slow
@pytest.mark.timeout(1800)  # sixty runs that end, where they are resumed
@pytest.mark.parametrize("kind", [k for k in file_attacks.KINDS if ".onnx" not in k])
def test_many_damaged_files_are_taken_or_refused(kind, originals):
    check(kind, 60, originals)


@pytest.mark.parametrize(
    ("damage", "data"),
    [(damaged_json, b'{"a": [1, {"b": 2}]}'), (damaged_table, b"a,b\nc,d\ne,f")],
)
def test_damages_are_many_and_repeatable(damage, data):
    first, again = (
        [damage(data, np.random.default_rng(seed)) for seed in range(50)]
        for _ in range(2)
    )
    assert first == again
    assert len(set(first)) > 20
