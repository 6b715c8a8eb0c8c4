"""YAML files: what is none is told, and few bytes do not become many."""

import os

import pytest

from swin_keras.errors import UsageError
from swin_keras.yaml_files import read_yaml, to_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB, "aliases stand for too many values"),
        ("a: &a [*a]", "aliases stand for too many values"),
        ("a: [1", "a YAML file that can be read"),
        ("a: 2001-99-99", "a YAML file that can be read"),
        ("[" * 500_000, "it is nested too deep, over 50 levels"),
        (b"\xff\xfe\x00", "a YAML file that can be read"),
        ("a" * 2**21, "under 1 MiB"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path, content, words):
    path = tmp_path / "a.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=words):
        read_yaml(path)


def test_aliases_that_stand_for_little_are_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a {x: 1}\nb: [*a, *a]\n")
    assert read_yaml(path) == {"a": {"x": 1}, "b": [{"x": 1}, {"x": 1}]}


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(UsageError, match="must be a file"):
        read_yaml(tmp_path / "a.yaml")
    with pytest.raises(UsageError, match="No such file"):
        read_yaml(tmp_path / "b.yaml")


def test_numbers_need_no_point_and_text_like_them_is_quoted(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("[1e-3, 1E6, -2e+1, 1.5e3, 1.e2, 1e, e3, 1e3x, '1e3', 7]")
    expected = [0.001, 1e6, -20.0, 1500.0, 100.0, "1e", "e3", "1e3x", "1e3", 7]
    assert read_yaml(path) == expected
    values = {"b": "1e-3", "a": ["2e5", 1e-5, "on", 3]}
    path.write_text(to_yaml(values))
    assert read_yaml(path) == values
    assert list(read_yaml(path)) == ["b", "a"]
