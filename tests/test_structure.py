"""The package's shape: which part imports which, and what is public."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import swin_keras

PACKAGE = Path(swin_keras.__file__).parent

# A part -> the parts it may import. What is not named here may import anything.
ALLOWED = {
    "layers": {"layers"},
    # `create_model(weights=...)` is the one call from models to what builds on them.
    "models": {"models", "layers", "errors", "weights"},
    "weights": {
        *("weights", "models", "layers", "errors", "card", "model_files", "names"),
    },
    "data": {"data", "errors", "names", "processes"},
    "report": {"report", "card", "data", "errors", "evaluation"},
    "json_text": set(),
    "names": set(),
    "card_fields": {"names"},
    "card": {"card_fields", "data", "json_text"},
    "archives": set(),
    "checksums": {"card", "errors"},
    "model_files": {"archives", "card", "checksums", "errors", "layers"},
    "operations": {"errors"},
    "litert_model": {"errors", "litert_worker", "model_files", "processes"},
    "forks": {"errors"},
    "runtimes": {"errors", "forks", "litert_model", "model_files", "operations"},
    "video": {"data", "errors", "inference", "names"},
    "pictures": {"data", "errors"},
    "inference": {"data", "errors", "model_files", "pictures", "runtimes"},
    "answers": set(),
    "evaluation": {"answers", "data", "errors", "inference", "names"},
    "benchmarking": {
        *("benchmarking", "errors", "json_text", "litert_file", "model_files"),
        *("processes", "runtimes"),
    },
    "litert_file": set(),
    "demo": {"demo", "errors", "inference", "model_files"},
    "exporting": {
        *("exporting", "benchmarking", "card", "data", "errors", "evaluation"),
        *("inference", "layers", "litert_file", "model_files", "names", "options"),
        *("processes", "runtimes"),
    },
    "tuning": {
        *("tuning", "training", "models", "exporting", "benchmarking", "report"),
        *("card", "errors", "launching", "model_files", "names", "options"),
        *("processes", "signals", "yaml_files"),
    },
    "parser": {
        *("command_help", "command_parser", "exporting", "training"),
    },
}


def imported_parts(path):
    """Return the parts of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        found |= {n.split(".")[1] for n in names if n.startswith("swin_keras.")}
    return found


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_go_one_way(part):
    files = list((PACKAGE / part).glob("*.py")) or [PACKAGE / f"{part}.py"]
    for file in files:
        assert imported_parts(file) <= ALLOWED[part], file.name


@pytest.mark.parametrize("part", ["layers", "models"])
def test_layers_and_models_use_public_keras_only(part):
    for file in (PACKAGE / part).glob("*.py"):
        text = file.read_text("utf-8")
        assert "keras.src" not in text
        if file.name != "random_numbers.py":  # asks which replica it is
            assert "tensorflow" not in text, file.name


def test_every_public_name_can_be_had():
    for name in swin_keras.__all__:
        assert getattr(swin_keras, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'SwinHuge'"):
        _ = swin_keras.SwinHuge


@pytest.mark.parametrize("first", ["swin_keras, keras", "keras, swin_keras"])
def test_layers_are_registered_whoever_is_imported_first(first):
    code = (
        f"import {first}; found = keras.saving.get_registered_object("
        "'swin_keras>SwinTransformerBlock'); assert found is not None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_imports_no_tensorflow():
    code = (
        "import sys, swin_keras; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
