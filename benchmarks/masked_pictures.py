"""Segmenters of pictures and masks: written as a folder, learned, exported, judged."""

import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

import swin_keras


def write_pairs(folder: Path, pairs, names):
    """Write pictures and masks of classes.

    Args:
        folder: Where to; `images/`, `masks/` and `classes.txt` are made in it.
        pairs: Yields pictures `(H, W)` or `(H, W, 3)` and masks `(H, W)`, uint8.
        names: Of the classes, in the order of their values.
    """
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number, (picture, mask) in enumerate(pairs):
        Image.fromarray(picture).save(folder / "images" / f"{number:05}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number:05}.png")
    (folder / "classes.txt").write_text("\n".join(names) + "\n")


def starts(length: int, side: int, step: int) -> list[int]:
    """Return where tiles of a length begin: the last one ends with it."""
    return [*range(0, length - side, step), length - side]


@contextmanager
def work_folder(given, prefix: str):
    """Yield a new folder: in the given one, where it stays, or for this run alone."""
    if given:
        Path(given).mkdir(parents=True, exist_ok=True)
        yield Path(tempfile.mkdtemp("", prefix, given))
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def learned_and_judged(data: Path, judged: Path, work: Path, options, **more) -> dict:
    """Train a Swin-Nano on a folder, export it for phones, and judge both.

    Args:
        data: The folder to learn from.
        judged: The folder of the test pictures; if it is another one, by windows.
        work: Where the run and the exports go.
        options: Of the command line: head, sizes, epochs and seed.
        **more: Further options of `TrainConfig`.

    Returns:
        Minutes of training, and the IoU of the second class by file.
    """
    start = time.time()
    run = swin_keras.train(
        str(data),
        task="segment",
        model="swin_nano",
        head=options.head,
        sizes=options.sizes,
        epochs=options.epochs,
        dice=0.5,
        seed=options.seed,
        tensorboard=False,
        runs_dir=str(work / "runs"),
        **more,
    )
    report = {"minutes": (time.time() - start) / 60, "IoU": {}}
    config = swin_keras.ExportConfig(
        formats=("litert", "litert-int8"), saved_models_dir=str(work / "saved_models")
    )
    exported = swin_keras.export(run.path, config)
    views = {} if judged == data else {"window": "slide"}
    for path in (run.best_model, *sorted(Path(exported).glob("*.tflite"))):
        result = swin_keras.evaluate(path, str(judged), **views)
        report["IoU"][path.name] = float(result.score_of_pixels.iou[1])
    return report
