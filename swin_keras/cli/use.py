"""export, predict, explain, benchmark and demo: what a trained model is for."""

import dataclasses
import glob
import json
import logging
import os
from pathlib import Path

from swin_keras.cli.console import command, load_tensorflow, make_table, out, share
from swin_keras.errors import DataError, UsageError
from swin_keras.screen import complain

log = logging.getLogger(__name__)


def export(options):
    load_tensorflow()
    from swin_keras.exporting.config import ExportConfig
    from swin_keras.exporting.export import export
    from swin_keras.exporting.table import check_rows, columns
    from swin_keras.model_files import read_card
    from swin_keras.tasks import task_named

    names = [field.name for field in dataclasses.fields(ExportConfig)]
    config = ExportConfig(**{name: options[name] for name in names})
    folder = export(options.model, config)
    card = read_card(folder)
    if card.checks:
        table = make_table(*columns(task_named(card.task).title))
        for row in check_rows(card.checks):
            table.add_row(*row)
        out.print(table)
    samples = Path(options.model) / "samples"
    images = samples if samples.is_dir() else "IMAGE"
    words = ("predict", folder, images) if card.class_names else ("benchmark", folder)
    out.print(f"next: {command(*words)}")
    return 0


def predict(options):
    from swin_keras.inference.predictor import Predictor, find_model

    if find_model(Path(options.model)).suffix != ".tflite":
        load_tensorflow()
    if options.top < 1:
        raise UsageError(f"--top must be at least 1. Received: {options.top}.")
    predictor, album = Predictor(options.model, trust=options.trust), None
    if options.save:
        from swin_keras.inference.annotate import Album

        album = Album(options.save)
    predictions = []
    for prediction in predictor.predict(_paths(options.images), top=options.top):
        predictions.append(prediction)
        if album and not prediction.error:
            album.add(prediction)
    if options.json:
        print(json.dumps([p.to_dict() for p in predictions], indent=2))
    else:
        _show(predictions)
    unread = [p for p in predictions if p.error]
    for prediction in unread:
        complain(f"{prediction.path}: {prediction.error}")
    if album:
        log.info("annotated pictures are in %s", album.folder)
    return 3 if unread else 0


def _paths(words):
    """Return paths; wildcards that no shell has replaced stand for what they match."""
    paths = []
    for word in words:
        is_pattern = not os.path.lexists(word) and glob.has_magic(word)
        found = sorted(glob.glob(word, recursive=True)) if is_pattern else [word]
        if not found:
            raise DataError(f"There is no file whose name matches {word}.")
        paths += found
    return paths


def _show(predictions):
    table = make_table("image", "class", "probability", "next")
    for prediction in predictions:
        (name, score), *others = prediction.scores or [("", 0.0)]
        others = ", ".join(f"{name} {share(score)}" for name, score in others)
        if not prediction.error:
            table.add_row(prediction.path, name, share(score), others)
    out.print(table)


def explain(options):
    load_tensorflow()
    from swin_keras.cli.explain import run

    return run(options, _paths(options.images), out, make_table)


def benchmark(options):
    from swin_keras.cli.benchmark import run

    return run(options, out, make_table)


def demo(options):
    from swin_keras.cli.demo import run

    return run(options, out)
