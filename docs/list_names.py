"""The reference page of Python: every public name, from `swin_keras/__init__.pyi`."""

import ast
from pathlib import Path

STUB = Path(__file__).parents[1] / "swin_keras" / "__init__.pyi"
# Rooms of the package in the order of the page; others follow by name.
TITLES = {
    "applications": "Models by name",
    "models": "Models from parts",
    "weights": "Published checkpoints",
    "data": "Data",
    "training": "Training",
    "tuning": "Tuning",
    "exporting": "Export",
    "inference": "Prediction and evaluation",
    "benchmarking": "Timing",
    "layers": "Layers",
    "errors": "Errors",
}
ALSO = {  # what the guides import from a room itself
    "swin_keras.weights": ["save_huggingface", "save_timm", "convert", "info"],
    "swin_keras.report": ["write_report"],
}


def public_names() -> dict[str, list[str]]:
    """Return the public names of each room, as the stub lists them."""
    rooms = {}
    for node in ast.parse(STUB.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            room = node.module.partition(".")[0]
            rooms.setdefault(room, []).extend(alias.name for alias in node.names)
    return rooms


def page() -> str:
    """Return the page, as Markdown for mkdocstrings."""
    rooms = public_names()
    order = [*TITLES, *sorted(set(rooms) - set(TITLES))]
    parts = [
        "# Python",
        "Everything here is imported from `swin_keras`, but for the last section. "
        "Importing it does not import TensorFlow: a name is loaded when it is first "
        "used.",
    ]
    for room in order:
        if room in rooms:
            parts.append(f"## {TITLES.get(room, room.replace('_', ' ').capitalize())}")
            parts += [f"::: swin_keras.{name}" for name in rooms[room]]
    parts.append("## From the modules")
    for module, names in ALSO.items():
        parts += [f"::: {module}.{name}" for name in names]
    return "\n\n".join(parts) + "\n"
