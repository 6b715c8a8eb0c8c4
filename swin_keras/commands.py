"""What each command shows; the work itself is done by the package's functions."""

import dataclasses
import json
import os
import sys
from pathlib import Path

import rich.box
from rich.console import Console
from rich.table import Table

from swin_keras.errors import UsageError

IN_A_FILE = 140  # columns of a table where there is no terminal to fit

out = Console(highlight=False)
if not out.is_terminal:
    out = Console(highlight=False, width=IN_A_FILE)


def _load_tensorflow():
    """Import TensorFlow without what it says of drivers and instruction sets.

    It writes to the process' standard error before it can be told not to; what
    Python raises is not touched.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _table(*columns):
    return Table(*columns, box=rich.box.SIMPLE_HEAD, pad_edge=False)


def train(options):
    from swin_keras.training.config import TrainConfig

    names = [field.name for field in dataclasses.fields(TrainConfig)]
    config = TrainConfig.from_dict({name: options[name] for name in names})
    _load_tensorflow()
    if options.dry_run:
        from swin_keras.training.dry_run import dry_run

        out.print(dry_run(config))
        return 0
    from swin_keras.training.train import train

    run = train(config)
    out.print(f"next: swin-keras export {run.path}")
    return 0


def evaluate(options):
    _load_tensorflow()
    from swin_keras.evaluation import evaluate

    result = evaluate(
        options.model, options.data, data_dir=options.data_dir, split=options.split
    )
    if options.json:
        print(json.dumps(result.to_dict(), indent=2))
        return 0
    for note in result.notes:
        out.print(f"data: {note}")
    table = _table("class", "images", "precision", "recall")
    for name, images, precision, recall in result.class_rows():
        table.add_row(name, f"{images}", f"{precision:.1%}", f"{recall:.1%}")
    out.print(table)
    out.print(
        f"accuracy {result.accuracy:.2%}, top-5 {result.top5_accuracy:.2%} "
        f"on {result.images} images"
    )
    return 0


def export(options):
    _load_tensorflow()
    from swin_keras.exporting.config import ExportConfig
    from swin_keras.exporting.export import export
    from swin_keras.exporting.table import COLUMNS, check_rows
    from swin_keras.model_files import read_card

    names = [field.name for field in dataclasses.fields(ExportConfig)]
    config = ExportConfig(**{name: options[name] for name in names})
    folder = export(options.model, config)
    card = read_card(folder)
    if card.checks:
        table = _table(*COLUMNS)
        for row in check_rows(card.checks):
            table.add_row(*row)
        out.print(table)
    out.print(f"next: swin-keras predict {folder} {Path(options.model) / 'samples'}")
    return 0


def benchmark(options):
    from swin_keras.benchmarking.command import run

    return run(options, out, _table)


def demo(options):
    from swin_keras.demo.command import run

    return run(options, out)


def predict(options):
    from swin_keras.inference import Predictor, find_model

    if find_model(Path(options.model)).suffix != ".tflite":
        _load_tensorflow()
    if options.top < 1:
        raise UsageError(f"--top must be at least 1. Received: {options.top}.")
    predictions = list(
        Predictor(options.model).predict(options.images, top=options.top)
    )
    if options.json:
        print(json.dumps([dataclasses.asdict(p) for p in predictions], indent=2))
    else:
        table = _table("image", "class", "probability", "next")
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


def info(options):
    _load_tensorflow()
    from swin_keras.models.summary import summarize

    if options.name is None:
        return _list_variants(options.json)
    model, card = _model_and_card(options.name)
    parts = summarize(model)
    if options.json:
        values = {
            "parts": [dataclasses.asdict(part) for part in parts],
            "card": dataclasses.asdict(card) if card else None,
        }
        print(json.dumps(values, indent=2))
        return 0
    table = _table("part", "output", "parameters", "million multiply-adds", "")
    for part in parts:
        shape = " x ".join(map(str, part.output_shape))
        macs = f"{part.macs / 1e6:,.2f}"
        table.add_row(part.name, shape, f"{part.parameters:,}", macs, part.detail)
    table.add_section()
    parameters = f"{sum(part.parameters for part in parts):,}"
    macs = f"{sum(part.macs for part in parts) / 1e6:,.2f}"
    table.add_row("all", "", parameters, macs, "")
    out.print(table)
    if card:
        metrics = ", ".join(f"{k} {v:.4g}" for k, v in card.metrics.items())
        out.print(f"{card.name}: {len(card.class_names)} classes; {metrics}")
    return 0


def _list_variants(as_json):
    from swin_keras.models import VARIANTS

    if as_json:
        variants = {k: dataclasses.asdict(v) for k, v in VARIANTS.items()}
        print(json.dumps(variants, indent=2))
        return 0
    table = _table("variant", "input", "patch", "channels", "depths", "heads", "window")
    for name, config in VARIANTS.items():
        table.add_row(
            name,
            " x ".join(map(str, config.input_shape)),
            f"{config.patch_size}",
            f"{config.embed_dim}",
            ", ".join(map(str, config.depths)),
            ", ".join(map(str, config.num_heads)),
            f"{config.window_size}",
        )
    out.print(table)
    return 0


def _model_and_card(name):
    """Build what a name stands for: a variant, or what a model file holds."""
    from swin_keras.inference import find_model
    from swin_keras.model_files import load_keras, read_card
    from swin_keras.models import SwinClassifier, config_from_dict, create_model

    path = Path(name)
    if not path.exists():
        return create_model(name), None
    file = find_model(path)
    card = read_card(path) or read_card(file)
    if card is None:
        return load_keras(file), None
    config = config_from_dict(card.model)
    return SwinClassifier(config, classes=len(card.class_names)), card


def data(options):
    action = {"check": _check, "extract": _extract}[options.action]
    return action(options[options.action])


def _check(options):
    from swin_keras.data import check_folder

    report = check_folder(options.folder, quick=options.quick)
    if options.json:
        Path(options.json).write_text(report.to_json() + "\n", "utf-8")
    counts = _table("class", *report.counts)
    for name in sorted({name for split in report.counts.values() for name in split}):
        numbers = [str(split.get(name, 0)) for split in report.counts.values()]
        counts.add_row(name, *numbers)
    out.print(counts)
    if report.findings:
        findings = _table("level", "what", "file", "detail")
        for row in report.rows():
            findings.add_row(*row)
        out.print(findings)
    out.print("ready to train" if report.ok else "not ready: see the errors above")
    return 0 if report.ok else 3


def _extract(options):
    _load_tensorflow()
    from swin_keras.data import extract, load_dataset

    dataset = load_dataset(options.data, data_dir=options.data_dir)
    files = extract(
        dataset, options.folder, options.count, options.split, options.format
    )
    out.print(f"{len(files)} images in {options.folder}")
    return 0
