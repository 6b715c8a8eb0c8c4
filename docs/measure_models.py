"""Measure the LiteRT files of each variant; writes docs/models.json.

    python docs/measure_models.py [VARIANT ...]

Random weights, none of them equal, since a file holds equal vectors once. A
process for each variant, one after another; those that were measured before and
are not named stay as they are. An hour on two cores for all of them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FIGURES = Path(__file__).with_name("models.json")
FORMS = ("litert", "litert-fp16", "litert-int8")


def measure(variant: str) -> dict:
    """Export a variant; return its parameters, multiply-adds and files' bytes."""
    import keras

    from swin_keras import ExportConfig, create_model, export
    from swin_keras.exporting.config import FORMATS
    from swin_keras.models.summary import summarize

    model = create_model(variant)
    for weight in model.trainable_variables:
        weight.assign(weight + keras.random.normal(weight.shape, stddev=0.02))
    parts = summarize(model)
    with tempfile.TemporaryDirectory() as scratch:
        model.save(f"{scratch}/{variant}.keras")
        config = ExportConfig(formats=FORMS, saved_models_dir=scratch, verify=False)
        folder = export(f"{scratch}/{variant}.keras", config)
        return {
            "parameters": sum(part.parameters for part in parts),
            "macs": sum(part.macs for part in parts),
            "bytes": {form: (folder / FORMATS[form]).stat().st_size for form in FORMS},
        }


def main():
    from swin_keras import list_models

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", default=list_models())
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    for variant in options.variants:
        command = [sys.executable, __file__, "--one", variant]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        figures[variant] = json.loads(done.stdout.splitlines()[-1])
        print(variant, figures[variant], flush=True)
        in_order = {name: figures[name] for name in list_models() if name in figures}
        FIGURES.write_text(json.dumps(in_order, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
