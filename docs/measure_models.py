"""Measure the LiteRT files of each variant; writes docs/models.json.

    python docs/measure_models.py [VARIANT ...]

Random weights, none of them equal, since a file holds equal vectors once. A
process for each variant, one after another; those that were measured before and
are not named stay as they are. Times are the fastest of one thread, as multiples of
that of Swin-T's float32 file, which takes turns with them. An hour on two cores for
all of them.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FIGURES = Path(__file__).with_name("models.json")
FORMS = ("litert", "litert-fp16", "litert-int8")
TIMED = ("litert", "litert-int8")
SECONDS = 6.0  # of each file


def measure(variant: str, tiny: str) -> dict:
    """Export a variant; return its parameters, multiply-adds, files' bytes and time.

    Args:
        variant: Its name.
        tiny: Swin-T's float32 file, to compare with.
    """
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
        files = {form: folder / FORMATS[form] for form in FORMS}
        return {
            "parameters": sum(part.parameters for part in parts),
            "macs": sum(part.macs for part in parts),
            "bytes": {form: path.stat().st_size for form, path in files.items()},
            "times": times(files, Path(tiny)),
        }


def times(files: dict, tiny: Path) -> dict:
    """Return the time of each form as a multiple of that of Swin-T's float32 file."""
    from swin_keras import benchmark

    timed = {form: files[form] for form in TIMED}
    result = benchmark(tiny, *timed.values(), threads=(1,), seconds=SECONDS)
    fastest = {timing.path: timing.minimum for timing in result.timings}
    return {
        form: fastest[str(path)] / fastest[str(tiny)] for form, path in timed.items()
    }


def write_tiny(path: Path):
    """Write the file that all are compared with."""
    from swin_keras import ExportConfig, create_model, export

    with tempfile.TemporaryDirectory() as scratch:
        create_model("swin_tiny").save(f"{scratch}/tiny.keras")
        config = ExportConfig(
            formats=("litert",), saved_models_dir=scratch, verify=False
        )
        folder = export(f"{scratch}/tiny.keras", config)
        shutil.copy(folder / "model.tflite", path)


def main():
    from swin_keras import list_models

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", default=list_models())
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        tiny = Path(scratch) / "tiny.tflite"
        write_tiny(tiny)
        measure_all(options.variants, tiny)


def measure_all(variants, tiny):
    """Measure variants, each in a process, and write down each at once."""
    from swin_keras import list_models

    figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    for variant in variants:
        command = [sys.executable, __file__, "--one", variant, str(tiny)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        figures[variant] = json.loads(done.stdout.splitlines()[-1])
        print(variant, figures[variant], flush=True)
        in_order = {name: figures[name] for name in list_models() if name in figures}
        FIGURES.write_text(json.dumps(in_order, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
