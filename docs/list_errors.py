"""The page of error messages: each that the package raises, from its source."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "swin_keras"
KINDS = {
    "UsageError": "An option, a name or sizes that cannot work",
    "DataError": "Images or a data set that cannot be used",
    "ModelFileError": "A model file that is missing, damaged or of another kind",
    "WeightsError": "Weights that are missing, damaged, or of another model",
    "ExportError": "An export that failed",
    "ResourceError": "Memory, disk, or permissions",
    "TrainingError": "Training that cannot continue",
}
HEAD = """# Every error message

Paste a part of a message into the search field of this site. `...` stands for your own
names and numbers. On the command line, options are written with dashes
(`--batch-size`), in Python with underscores (`batch_size=`). What most of them come
from, and what to do: [When something goes wrong](troubleshooting.md)."""


def messages() -> dict[str, list[tuple[str, str]]]:
    """Return `(message, file)` of each `raise` with a message, by exception."""
    found = {kind: [] for kind in KINDS}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                kind = getattr(node.exc.func, "id", "")
                text = text_of(node.exc.args[0]) if node.exc.args else ""
                if kind in found and len(text.strip(". ")) > 10:
                    file = str(path.relative_to(PACKAGE))
                    found[kind].append((" ".join(text.split()), file))
    return found


def text_of(node) -> str:
    """Return the text of an expression, with `...` for what is computed."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + text_of(node.right)
    return "..."


def page() -> str:
    """Return the page, as Markdown."""
    parts = [HEAD]
    for kind, rows in messages().items():
        table = [
            f"| {_cell(text)} | `{file}` |"
            for text, file in sorted(rows, key=lambda row: (row[1], row[0]))
        ]
        title = f"## {kind}\n\n{KINDS[kind]}."
        parts.append("\n".join([title, "", "| message | from |", "|---|---|", *table]))
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    escaped = text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
    return escaped.replace("_", "\\_") if "`" not in escaped else escaped
