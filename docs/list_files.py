"""Write docs/files.md: each module of the package with its first line.

python docs/list_files.py
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "swin_keras"
PAGE = ROOT / "docs" / "files.md"
HEAD = """# Every file, in a line

Rooms from the ground up; each imports those above it in this list and no other
(`tests/test_structure.py`). Written by `python docs/list_files.py`.
"""
ROOMS = [
    "drawing",
    "layers",
    "models",
    "data",
    "model_files",
    "weights",
    "litert",
    "detection",
    "applications",
    "scores",
    "tasks",
    "inference",
    "report",
    "benchmarking",
    "demo",
    "explaining",
    "distillation",
    "exporting",
    "training",
    "tuning",
    "cli",
]


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring."""
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))).splitlines()[0]


def table(files) -> str:
    """Return a table of files, by name; `__init__.py` is its room's title."""
    rows = [
        f"| `{file.relative_to(PACKAGE)}` | {first_line(file)} |"
        for file in sorted(files)
        if file.name != "__init__.py"
    ]
    return "\n".join(["| file | |", "|---|---|", *rows])


def page() -> str:
    """Return the page."""
    rooms = [name for name in ROOMS if (PACKAGE / name).is_dir()]
    others = [
        path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()
    ]
    if set(rooms) != set(others):
        raise SystemExit(f"ROOMS must name each room once: {set(rooms) ^ set(others)}")
    parts = [HEAD, "## swin_keras", table(PACKAGE.glob("*.py"))]
    for name in rooms:
        folder = PACKAGE / name
        title = first_line(folder / "__init__.py")
        parts += [f"## {name}\n\n{title}\n", table(folder.rglob("*.py"))]
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
