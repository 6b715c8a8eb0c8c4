"""export, predict, benchmark and demo: what a trained model is for."""

import dataclasses
import json
import shlex
import sys
from pathlib import Path

from swin_keras.commands.console import load_tensorflow, make_table, out
from swin_keras.errors import UsageError


def export(options):
    load_tensorflow()
    from swin_keras.exporting.config import ExportConfig
    from swin_keras.exporting.export import export
    from swin_keras.exporting.table import COLUMNS, check_rows
    from swin_keras.model_files import read_card

    names = [field.name for field in dataclasses.fields(ExportConfig)]
    config = ExportConfig(**{name: options[name] for name in names})
    folder = export(options.model, config)
    card = read_card(folder)
    if card.checks:
        table = make_table(*COLUMNS)
        for row in check_rows(card.checks):
            table.add_row(*row)
        out.print(table)
    samples = Path(options.model) / "samples"
    images = shlex.quote(str(samples)) if samples.is_dir() else "IMAGE"
    words = f"predict {shlex.quote(str(folder))} {images}"
    if not card.class_names:
        words = f"benchmark {shlex.quote(str(folder))}"
    out.print(f"next: swin-keras {words}", markup=False, highlight=False)
    return 0


def predict(options):
    from swin_keras.inference import Predictor, find_model

    if find_model(Path(options.model)).suffix != ".tflite":
        load_tensorflow()
    if options.top < 1:
        raise UsageError(f"--top must be at least 1. Received: {options.top}.")
    predictions = list(
        Predictor(options.model).predict(options.images, top=options.top)
    )
    if options.json:
        print(json.dumps([dataclasses.asdict(p) for p in predictions], indent=2))
    else:
        table = make_table("image", "class", "probability", "next")
        for prediction in predictions:
            (name, score), *others = prediction.scores or [("", 0.0)]
            others = ", ".join(f"{name} {score:.1%}" for name, score in others)
            if not prediction.error:
                table.add_row(prediction.path, name, f"{score:.1%}", others)
        out.print(table)
    unread = [p for p in predictions if p.error]
    for prediction in unread:
        print(f"swin-keras: {prediction.path}: {prediction.error}", file=sys.stderr)
    return 3 if unread else 0


def benchmark(options):
    from swin_keras.benchmarking.command import run

    return run(options, out, make_table)


def demo(options):
    from swin_keras.demo.command import run

    return run(options, out)
