"""The package's shape: which part imports which, and what is public."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import swin_keras

PACKAGE = Path(swin_keras.__file__).parent

# The rooms from the ground up: each may import those below it and no other.
FLOORS = [
    ["cores", "errors", "masks", "names"],
    [
        "drawing",
        "drives",
        "exchange",
        "files",
        "forks",
        "imagenet",
        "options",
        "processes",
        "screen",
        "yaml_files",
    ],
    ["backend", "gpus"],
    ["layers", "data"],
    ["models", "model_files", "scores", "detection"],
    ["weights", "litert"],
    ["applications"],
    ["tasks"],
    ["inference"],
    ["report", "benchmarking", "demo", "distillation"],
    ["explaining"],
    ["exporting", "training"],
    ["tuning"],
    ["cli"],
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(PACKAGE.rglob("*.py"))


def imported_rooms(path):
    """Yield the rooms of the package that a file imports, in whatever form."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "swin_keras" and rest != "__version__":
                yield rest.split(".")[0]


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def test_each_room_has_its_floor():
    assert {room_of(path) for path in FILES} == {*FLOOR, "__init__"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    room = room_of(path)
    for other in imported_rooms(path):
        is_below = room in FLOOR and FLOOR.get(other, len(FLOORS)) < FLOOR[room]
        assert other == room or is_below or room == "__init__", f"{room}: {other}"


def test_the_page_of_files_lists_the_rooms_from_the_ground_up(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "docs"))
    from list_files import ROOMS

    place_of = {room: place for place, room in enumerate(ROOMS)}
    for path in FILES:
        place = place_of.get(room_of(path), len(ROOMS))
        for other in imported_rooms(path):
            assert place_of.get(other, -1) <= place, f"{room_of(path)}: {other}"


def test_imports_within_a_room_make_no_circle():
    graph = {}
    for path in FILES:
        own = ".".join(["swin_keras", *path.relative_to(PACKAGE).with_suffix("").parts])
        tree = ast.parse(path.read_text("utf-8"))
        graph[own] = {n.module for n in tree.body if isinstance(n, ast.ImportFrom)}
    tuple(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


@pytest.mark.parametrize("part", ["layers", "models"])
def test_layers_and_models_use_public_keras_only(part):
    for file in (PACKAGE / part).rglob("*.py"):
        text = file.read_text("utf-8")
        assert "keras.src" not in text
        if file.name not in ("random_numbers.py", "batch_normalization.py"):
            assert "tensorflow" not in text, file.name


def test_every_public_name_can_be_had():
    for name in swin_keras.__all__:
        assert getattr(swin_keras, name) is not None
    with pytest.raises(AttributeError, match="attribute SwinHuge"):
        _ = swin_keras.SwinHuge


def test_layers_are_registered_where_keras_was_imported_before():
    code = (
        "import keras, swin_keras; found = keras.saving.get_registered_object("
        "'swin_keras>SwinTransformerBlock'); assert found is not None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("first", [*FLOOR, "training.muon", "training.optimizer"])
def test_layers_and_optimizers_are_registered_whatever_is_imported_first(first):
    code = (
        f"import swin_keras.{first}; import keras; names = ('SwinTransformerBlock', "
        "'SwinMuon', 'SwinAdamW'); found = [keras.saving.get_registered_object("
        "f'swin_keras>{name}') for name in names]; assert all(found), found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_imports_no_tensorflow():
    code = (
        "import sys, swin_keras; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
