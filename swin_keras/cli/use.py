"""export, predict, explain, benchmark and demo: what a trained model is for."""

import contextlib
import csv
import dataclasses
import glob
import io
import json
import logging
import os
from pathlib import Path

from swin_keras.cli.console import (
    command,
    keeping_compiled,
    load_tensorflow,
    make_table,
    out,
)
from swin_keras.errors import DataError, ResourceError, SwinKerasError, UsageError
from swin_keras.files import require_new_file
from swin_keras.screen import complain

log = logging.getLogger(__name__)
ASKED = ("top", "min_score", "window", "flip", "quarter_turns", "scales", "batch_size")


@keeping_compiled()
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


@keeping_compiled()
def predict(options):
    from swin_keras.inference.model_paths import find_fastest_model, path_of_model
    from swin_keras.inference.predictor import Predictor

    if find_fastest_model(path_of_model(options.model)).suffix != ".tflite":
        load_tensorflow()
    if options.top < 1:
        raise UsageError(f"--top must be at least 1. Received: {options.top}.")
    images, videos = _sources(options)
    predictor = Predictor(options.model, trust=options.trust)
    asked = {name: options[name] for name in ASKED}
    predictor.predict([], **asked)  # which refuses what cannot be, first
    if options.coco and not predictor.task.finds_boxes:
        raise UsageError(
            "--coco writes the boxes of a detector. Received: "
            f"{options.model}, a model for the task {predictor.task.name!r}."
        )
    places = [Path(path) for path in (options.csv, options.coco) if path]
    for path in places:
        require_new_file(path)
    if len({path.resolve() for path in places}) < len(places):
        raise UsageError(f"--csv and --coco must differ. Received: {places[0]} twice.")
    predictions, stop = [], None
    try:
        with _saver(options.save, options.rate, predictor.grey_range) as save:
            for prediction, picture in _predictions(predictor, images, videos, asked):
                predictions.append(prediction.in_words())
                if save and not prediction.error:
                    saved = save(prediction, picture)
                    if saved is not None:
                        words = dataclasses.replace(predictions[-1], saved=str(saved))
                        predictions[-1] = words
    except (KeyboardInterrupt, SwinKerasError, OSError) as stopped:
        if not predictions:
            raise
        stop = stopped  # once what was found is written
    if options.json:
        print(json.dumps([p.to_dict() for p in predictions], indent=2))
    else:
        _show(predictions)
    if options.csv and predictions:
        _write_csv(options.csv, predictions)
    if options.coco:
        _write_coco(options.coco, predictor.class_names, predictions)
    if stop is not None:
        raise stop
    unread = [p for p in predictions if p.error]
    for prediction in unread:
        complain(f"{prediction.path}: {prediction.error}")
    if save and len(unread) < len(predictions):
        log.info("annotated pictures are in %s", options.save)
    return 3 if unread else 0


def _sources(options):
    """Return paths of images, and name -> frames of each video or the camera."""
    from swin_keras.inference.video import is_video, read_camera, read_video

    if not options.images and options.camera is None:
        raise UsageError("Name images, folders or videos, or a camera: --camera 0.")
    paths = _paths(options.images)
    named = [p for p in paths if is_video(p) and not Path(p).is_dir()]
    videos = {path: read_video(path, options.rate) for path in named}
    if options.camera is not None:
        name = f"camera {options.camera}"
        videos[name] = read_camera(options.camera, options.rate, options.seconds)
    return [path for path in paths if path not in named], videos


def _predictions(predictor, images, videos, asked):
    """Yield each prediction, and its picture if it is a frame."""
    from swin_keras.inference.frame_predictions import predict_frames

    for prediction in predictor.predict(images, **asked):
        yield prediction, None
    for name, frames in videos.items():
        yield from predict_frames(predictor, name, frames, **asked)


@contextlib.contextmanager
def _saver(place, rate, grey_range):
    """Give what writes an annotated picture to a folder or a video, or `None`.

    It returns the picture's path, `None` for a frame of the video.
    """
    from swin_keras.inference.annotate import Album, annotated_by
    from swin_keras.inference.video import is_video
    from swin_keras.inference.video_writer import video_writer

    if place and is_video(place):
        with video_writer(place, rate) as write:
            yield lambda prediction, picture: write(
                annotated_by(prediction, picture, grey_range), prediction.time
            )
    else:
        yield Album(place, grey_range).add if place else None


def _write_csv(path, predictions):
    """Write what is said of each picture, or why nothing is: a row at least."""
    columns = _kind_of(predictions).columns
    nothing = ("",) * len(columns)
    files = dict.fromkeys(name for one in predictions for name in one.files())
    rows = [("path", "time", *columns, "error", *files)]
    for one in predictions:
        said = [] if one.error else one.rows()
        written = [one.files().get(name, "") for name in files]
        for cells in said or [nothing]:
            rows.append((one.path, one.time, *cells, one.error or "", *written))
    table = io.StringIO(newline="")
    csv.writer(table).writerows(rows)
    try:
        Path(path).write_bytes(table.getvalue().encode("utf-8", "backslashreplace"))
    except OSError as error:
        reason = error.strerror or error
        raise ResourceError(f"{path} cannot be written: {reason}.") from error


def _write_coco(path, class_names, predictions):
    """Write the boxes of all pictures that could be read; frames have their time."""
    from swin_keras.data.boxes import coco_set, save_coco

    pictures = []
    for one in predictions:
        if one.error is None:
            name = one.path if one.time is None else f"{one.path} {one.time:.3f} s"
            classes = [class_names.index(label) for label, _ in one.scores]
            scores = [score for _, score in one.scores]
            pictures.append((name, one.size, one.boxes, classes, scores))
    save_coco(coco_set(class_names, pictures), path)


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


def _kind_of(predictions):
    """Return the first prediction of a picture that could be read, or the first."""
    return next((one for one in predictions if not one.error), predictions[0])


def _show(predictions):
    if not predictions:
        return
    has_times = any(prediction.time is not None for prediction in predictions)
    columns = ["image", "time", "class", _kind_of(predictions).number, "next"]
    table = make_table(*[c for c in columns if c != "time" or has_times])
    for prediction in predictions:
        if prediction.error:
            continue
        said = getattr(prediction, "labels", prediction.scores)  # all that are there
        (name, score), *others = said or [("(none)", None)]
        in_text = prediction.in_text
        others = ", ".join(f"{name} {in_text(score)}" for name, score in others)
        time = "" if prediction.time is None else f"{prediction.time:.2f} s"
        shown = "" if score is None else in_text(score)
        table.add_row(prediction.path, *[time] * has_times, name, shown, others)
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
