"""What a trial's model may cost, measured before it is trained."""

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

from swin_keras.errors import UsageError, nearest_name

THREADS = 1
SECONDS = 1.0  # of timing
UNITS = {
    "parameters": "parameters",
    "macs": "multiply-adds",
    "litert_kb": "kB as LiteRT",
    "litert_ms": "ms an image on one thread",
}


@dataclass(frozen=True)
class Limits:
    """The most that a model may cost; `None` for any.

    Args:
        parameters: Values that are learned, whether or not they are frozen.
        macs: Multiply-adds of its matrix products, for one image.
        litert_kb: Kilobytes of its float32 LiteRT file.
        litert_ms: Milliseconds for one image on this machine, on one thread.

    Raises:
        UsageError: If a limit is not above 0.
    """

    parameters: int | None = None
    macs: int | None = None
    litert_kb: float | None = None
    litert_ms: float | None = None

    def __post_init__(self):
        for name, most in self.given.items():
            if isinstance(most, bool) or not isinstance(most, int | float) or most <= 0:
                raise UsageError(
                    f"The limit on {name} must be a number above 0. Received: {most!r}."
                )

    @classmethod
    def from_dict(cls, values: dict) -> "Limits":
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise UsageError(
                    f"There is no limit on {name!r}.{nearest_name(name, known)} "
                    f"Limits: {', '.join(known)}."
                )
        return cls(**values)

    @property
    def given(self) -> dict:
        """The limits that there are."""
        limits = dataclasses.asdict(self)
        return {name: most for name, most in limits.items() if most is not None}

    @property
    def needs_file(self) -> bool:
        """Whether the model must be converted to know what it costs."""
        return self.litert_kb is not None or self.litert_ms is not None

    def broken(self, costs: dict) -> str:
        """Return in words which of the costs are over their limits, or nothing."""
        return "; ".join(
            f"{_plain(costs[name])} {UNITS[name]}, limit {_plain(most)}"
            for name, most in self.given.items()
            if costs.get(name, 0) > most
        )


def _plain(number):
    """Return a number as text, to three decimals."""
    return f"{number:,.3f}".rstrip("0").rstrip(".")


def measure(job, limits: Limits) -> dict:
    """Measure what a model costs; its weights do not matter.

    Args:
        job: The run whose model it is.
        limits: Say what must be known. The model is converted only for limits on
            its file, and only within the others.

    Returns:
        `parameters` and `macs`, and for a file `litert_kb` and `litert_ms`.
    """
    from swin_keras.models.summary import summarize

    parts = summarize(job.model)
    costs = {
        "parameters": sum(part.parameters for part in parts),
        "macs": sum(part.macs for part in parts),
    }
    if limits.needs_file and not limits.broken(costs):
        costs |= _measure_file(job)
    return costs


def _measure_file(job):
    from swin_keras.benchmarking.timing import time_files
    from swin_keras.exporting.config import FORMATS
    from swin_keras.exporting.inference_model import inference_model
    from swin_keras.exporting.litert import exporting_litert
    from swin_keras.processes import quiet

    with tempfile.TemporaryDirectory(prefix="swin-keras-") as scratch:
        path, card = Path(scratch) / FORMATS["litert"], job.card(job.config.model, {})
        model = inference_model(job.task.export_model(job.model))
        with quiet(), exporting_litert(model, path.parent, ["litert"], card):
            pass  # nothing else is to be done meanwhile
        (timing,) = time_files([path], THREADS, SECONDS)
        return {
            "litert_kb": path.stat().st_size / 1e3,
            "litert_ms": 1e3 * timing.minimum,
        }
