"""Run the notebooks and keep what they print and draw.

    python docs/run_notebooks.py [NAME ...]

Each runs in an empty folder of its own, without a network. About five minutes on two
cores for all of them; `tests/test_notebooks.py` does the same, and keeps nothing.
"""

import argparse
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).with_name("notebooks")
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
                output for output in cell.outputs if output.get("name") != "stderr"
            ]
    return notebook


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    parser.add_argument("names", nargs="*", default=every)
    for name in parser.parse_args().names:
        file = NOTEBOOKS / f"{name}.ipynb"
        nbformat.write(run(file), file)
        print(f"written: {file}", flush=True)
