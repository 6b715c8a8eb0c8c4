"""Run the notebooks and keep what they print and draw.

    python docs/run_notebooks.py [NAME ...]

Each runs in an empty folder of its own, without a network. About eight minutes on two
cores for all of them; `tests/test_docs.py` does the same, and keeps nothing.
"""

import argparse
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).with_name("notebooks")
LOG = "WARNING:tensorflow"
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}


def run(path: Path):
    """Return a notebook with its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    os.environ.update(QUIET)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=600, resources=resources).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran, to the microsecond
        if cell.cell_type == "code":
            cell.outputs = [
                _plain(o) for o in cell.outputs if o.get("name") != "stderr"
            ]
    return notebook


def _plain(output):
    """Return an output without what TensorFlow's own log says."""
    if output.get("name") == "stdout":
        lines = output["text"].splitlines(keepends=True)
        output["text"] = "".join(x for x in lines if not x.startswith(LOG))
    return output


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    parser.add_argument("names", nargs="*", default=every)
    for name in parser.parse_args().names:
        file = NOTEBOOKS / f"{name}.ipynb"
        nbformat.write(run(file), file)
        print(f"written: {file}", flush=True)
