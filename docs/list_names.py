"""The reference of Python: every public name, from `swin_keras/__init__.pyi`."""

import ast
from pathlib import Path

STUB = Path(__file__).parents[1] / "swin_keras" / "__init__.pyi"
# Pages, and the rooms of the package on each; the last one takes all others.
PAGES = {
    "models": ("Models and layers", ("applications", "models", "layers")),
    "weights": ("Checkpoints", ("weights",)),
    "data": ("Data", ("data",)),
    "training": ("Training and tuning", ("training", "tuning")),
    "export": (
        "Export, prediction, timing",
        ("exporting", "inference", "benchmarking"),
    ),
    "more": ("Errors and more", ()),
}
TITLES = {
    "applications": "Models by name",
    "models": "Models from parts",
    "exporting": "Export",
    "inference": "Prediction and evaluation",
    "benchmarking": "Timing",
}
ALSO = {  # what the guides import from a room itself
    "weights": ("save_huggingface", "save_timm", "convert", "info"),
    "report": ("write_report",),
}
HEAD = (
    "Imported from `swin_keras`, unless a name says otherwise. Importing the package "
    "does not import TensorFlow: each name is loaded when it is first used."
)


def public_names() -> dict[str, list[str]]:
    """Return the public names of each room, as the stub lists them."""
    rooms = {}
    for node in ast.parse(STUB.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            room = node.module.partition(".")[0]
            rooms.setdefault(room, []).extend(alias.name for alias in node.names)
    return rooms


def pages() -> dict[str, str]:
    """Return each page as Markdown for mkdocstrings, by the name of its file."""
    placed = {room for _, rooms in PAGES.values() for room in rooms}
    others = [room for room in {**public_names(), **ALSO} if room not in placed]
    return {
        f"python/{name}.md": _page(title, rooms or others)
        for name, (title, rooms) in PAGES.items()
    }


def _page(title: str, rooms) -> str:
    names, parts = public_names(), [f"# {title}", HEAD]
    for room in rooms:
        heading = TITLES.get(room, room.replace("_", " ").capitalize())
        parts.append(f"## {heading}")
        own = names.get(room, ())
        if room == "applications":  # made of create_model, which says everything
            of_variants = [f"`{name}`" for name in own if name != "create_model"]
            own = ["create_model"]
            variants = ", ".join(of_variants)
            parts.append(f"{variants}: `create_model` without its first argument.")
        parts += [f"::: swin_keras.{name}" for name in own]
        for name in ALSO.get(room, ()):
            parts += [f"In `swin_keras.{room}`:", f"::: swin_keras.{room}.{name}"]
    return "\n\n".join(parts) + "\n"
