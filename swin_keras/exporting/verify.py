"""Check exported files against the Keras model, and for what phones refuse."""

import dataclasses
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swin_keras.benchmarking.timing import time_files
from swin_keras.errors import ExportError
from swin_keras.explaining.class_map import file_class_maps
from swin_keras.exporting.config import FORMATS
from swin_keras.exporting.table import noise_share
from swin_keras.inference.precision import true_float32
from swin_keras.inference.runtimes import open_model
from swin_keras.litert.coverage import coverage
from swin_keras.litert.lint import lint
from swin_keras.model_files.card import CLASS_MAPS
from swin_keras.tasks.task import Task, unit_of

log = logging.getLogger(__name__)
THREADS = 2
SECONDS = 0.5  # of timing for each file
TOGETHER = 16  # images that a form is asked about at a time


@dataclass(frozen=True)
class Tolerances:
    """What a form must keep to.

    Args:
        difference: Largest difference of a logit or a feature to the Keras model's,
            in units of the largest above 1.
        sqnr: Least ratio of signal to quantization noise of the logits, in dB.
        agreement: Least share of real images with the same best class, near ties
            left out.
        loss: Most of the task's score, such as accuracy, that may be lost on the test
            split, beyond what chance decides there.
    """

    difference: float = np.inf
    sqnr: float = 0.0
    agreement: float = 0.0
    loss: float = 1.0


EXACT = Tolerances(difference=1e-4)
LIMITS = {
    "litert-fp16": Tolerances(sqnr=40, agreement=0.98, loss=0.005),
    "litert-int8": Tolerances(sqnr=20, agreement=0.9, loss=0.01),
    "litert-int8-static": Tolerances(sqnr=6, agreement=0.8, loss=0.03),
}


@dataclass(frozen=True)
class Check:
    """What was found out about one form; `None` where it does not apply.

    Args:
        form: Its format.
        megabytes: Its size.
        difference: Largest difference of a logit to the Keras model's.
        sqnr: Ratio of signal to noise of the logits, in dB.
        agreement: Share of the images with the same best class as Keras, near ties
            left out.
        compared: How many images that share is of.
        near_ties: How many were left out.
        score: The task's figure, such as accuracy, on the test split.
        delegated: Operations that XNNPACK runs, of how many, in how many pieces.
        min_runtime: Oldest LiteRT version that runs it.
        latency_ms: Shortest time for one image here, on two threads.
        problems: What does not hold, in words.
    """

    form: str
    megabytes: float
    difference: float
    sqnr: float
    agreement: float | None = None
    compared: int | None = None
    near_ties: int | None = None
    score: float | None = None
    delegated: str | None = None
    min_runtime: str | None = None
    latency_ms: float | None = None
    problems: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        """Return what applies as plain values, for JSON."""
        values = dataclasses.asdict(self)
        values["sqnr"] = values["sqnr"] if np.isfinite(self.sqnr) else None
        return {k: v for k, v in values.items() if v is not None and k != "form"}


@true_float32()
def verify(
    folder: Path,
    task: Task,
    formats,
    images,
    *,
    are_real=True,
    evaluate=None,
    explained=False,
):
    """Check all forms in a folder against its `model.keras`, in true float32.

    Args:
        folder: The folder of the export.
        task: What the model is for.
        formats: Names of the forms that are there.
        images: Images to compare the outputs on, `(B, H, W, C)`, 0..255.
        are_real: Whether they are images of the world; noise says nothing about
            which class is best.
        evaluate: A function from a file to its `Evaluation`, or `None`.
        explained: Whether the forms give class maps, too.

    Returns:
        A `Check` for each form, `keras` first.
    """
    keras_file = folder / "model.keras"
    images = images.astype("float32")
    model = open_model(keras_file)
    are_logits = model.ends_in_logits
    expected, unit = task.compared(_answers(model, images), are_logits)
    maps = file_class_maps(keras_file, images) if explained else None
    base = evaluate(keras_file) if evaluate else None
    score = base.score if base else None
    checks = [Check("keras", _megabytes(keras_file), 0.0, np.inf, score=score)]
    for form in formats:
        path = folder / FORMATS[form]
        outputs = _answers(open_model(path, trust=True), images)
        given_maps = outputs.pop(CLASS_MAPS, None)
        given, _ = task.compared(outputs, are_logits)
        check = Check(
            form=form,
            megabytes=_megabytes(path),
            difference=float(np.abs(given - expected).max()),
            sqnr=sqnr(expected, given),
            score=evaluate(path).score if evaluate else None,
            **(task.agreement(expected, given) if are_real else {}),
        )
        problems = _broken_limits(check, task, base, unit)
        if explained:
            problems += _broken_maps(form, maps, given_maps)
        if path.suffix == ".tflite":
            graph, run = lint(path, task.tail), coverage(path)
            problems += graph.findings
            left = run.operations - run.delegated - graph.in_tail
            if left > 0 or run.partitions > 1 + bool(graph.in_tail):
                problems += (
                    f"XNNPACK runs only {run.delegated} of {run.operations} operations"
                    f", in {run.partitions} pieces",
                )
            check = dataclasses.replace(
                check, delegated=str(run), min_runtime=graph.min_runtime
            )
        checks.append(dataclasses.replace(check, problems=problems))
    return _with_latency(folder, checks)


def _answers(model, images) -> dict:
    """Return a model's outputs by name for images, of which a few run together."""
    parts = [
        model(images[start : start + TOGETHER])
        for start in range(0, len(images), TOGETHER)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def require_good(checks):
    """Refuse an export with problems.

    Raises:
        ExportError: That names every problem.
    """
    problems = [f"{c.form}: {p}" for c in checks for p in c.problems]
    if problems:
        raise ExportError(
            "Every form must agree with the Keras model and run whole on a phone. "
            f"{'; '.join(problems)}. To export it all the same, use --no-verify."
        )


def sqnr(expected, given) -> float:
    """Return the power of a signal over that of its error, in decibels.

    >>> float(sqnr(np.array([100.0, 0.0]), np.array([99.0, 0.0])))
    40.0
    """
    noise = np.square(given - expected).sum(dtype="float64")
    signal = np.square(expected).sum(dtype="float64")
    return float(10 * np.log10(signal / noise)) if noise else float("inf")


def _broken_limits(check: Check, task: Task, base, unit) -> tuple[str, ...]:
    limits = LIMITS.get(check.form, EXACT)
    problems = []
    if not check.difference <= limits.difference * unit:
        problems.append(
            f"logits differ by {check.difference:.1e}, "
            f"limit {limits.difference * unit:.0e}"
        )
    if not check.sqnr >= limits.sqnr:
        problems.append(
            f"rounding noise is {noise_share(check.sqnr):.2%} of the logits, "
            f"limit {noise_share(limits.sqnr):.2%}"
        )
    if check.agreement is not None and check.agreement < limits.agreement:
        problems.append(
            f"same best class on {check.agreement:.1%} of {check.compared} images "
            f"that are no near ties, limit {limits.agreement:.0%}"
        )
    if base is not None:
        limit = limits.loss + base.chance
        if base.score - check.score > limit:
            problems.append(
                f"{task.title} {check.score:.2%} instead of {base.score:.2%} on "
                f"{base.images} images, limit {limit:.1%} less"
            )
    return tuple(problems)


def _broken_maps(form, expected, given) -> tuple[str, ...]:
    limits = LIMITS.get(form, EXACT)
    unit = unit_of(expected)
    difference = float(np.abs(given - expected).max())
    if difference <= limits.difference * unit and sqnr(expected, given) >= limits.sqnr:
        return ()
    return (f"class maps differ by {difference:.1e}, the largest value is {unit:.1e}",)


def _with_latency(folder, checks):
    litert = [check for check in checks if check.form.startswith("litert")]
    if not litert:
        return checks
    paths = [folder / FORMATS[check.form] for check in litert]
    timings = time_files(paths, THREADS, SECONDS)
    latency = {
        check.form: 1e3 * timing.minimum
        for check, timing in zip(litert, timings, strict=True)
    }
    return [
        dataclasses.replace(check, latency_ms=latency.get(check.form))
        for check in checks
    ]


def _megabytes(path: Path) -> float:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6
