"""A notebook as a page of the site: text, code, and what the code printed."""

import json
from pathlib import Path


def page(notebook: Path) -> str:
    """Return a notebook as Markdown; pictures stay inside the page."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    note = (
        f"!!! note\n    This page is the notebook `docs/notebooks/{notebook.name}` of "
        "the repository, as it ran. It needs no network and no GPU."
    )
    first, *rest = (part for cell in cells for part in _cell(cell))
    return "\n\n".join([first, note, *rest]) + "\n"


def _cell(cell):
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
    elif source:
        yield f"```python\n{source}\n```"
        for output in cell.get("outputs", []):
            yield from _output(output)


def _output(output):
    if output["output_type"] == "stream":
        yield f"```text\n{''.join(output['text']).rstrip()}\n```"
    elif "image/png" in output.get("data", {}):
        picture = "".join(output["data"]["image/png"]).replace("\n", "")
        yield f"![What the code above draws](data:image/png;base64,{picture})"
    elif "text/plain" in output.get("data", {}):
        yield f"```text\n{''.join(output['data']['text/plain'])}\n```"
