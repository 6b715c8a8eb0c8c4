"""Our own subprocesses run our code, and nothing that lies about in a folder."""

import ast
import os
import subprocess
from pathlib import Path

import pytest

import swin_keras
from swin_keras.processes import module_command

ROOT = Path(__file__).parents[1]
PACKAGE = Path(swin_keras.__file__).parent
PROGRAMS = [*PACKAGE.rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]


def words_in(path):
    """Return the text constants of a program, less its docstrings."""
    return [
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_only_one_function_starts_modules():
    found = {path.name for path in PROGRAMS if "-m" in words_in(path)}
    assert found == {"processes.py"}


def test_a_module_is_run_without_the_current_folder():
    assert module_command("a.b", 3, Path("c"))[1:] == ["-P", "-m", "a.b", "3", "c"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["predict", "{model}/model.tflite", "."],
        ["predict", "{model}/model.keras", "."],
        ["evaluate", "{model}", "--data", ".", "--json"],
    ],
)
def test_python_files_beside_pictures_are_not_run(words, exported, tmp_path):
    marker = tmp_path / "ran"
    for name in ("json", "resource", "numpy", "PIL", "tensorflow", "swin_keras"):
        code = f"open({str(marker)!r}, 'a').write({name!r})\n"
        (tmp_path / f"{name}.py").write_text(code)
    for digit in "37":
        (tmp_path / digit).mkdir()
        picture = (ROOT / "tests" / "samples" / f"{digit}.png").read_bytes()
        for number in range(5):
            (tmp_path / digit / f"{number}.png").write_bytes(picture)
    words = [word.format(model=exported) for word in words]
    done = subprocess.run(
        module_command("swin_keras.cli", *words),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not marker.exists(), marker.read_text()
