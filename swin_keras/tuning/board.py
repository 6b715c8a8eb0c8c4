"""What a study shows while it runs: a live table, or lines in a file."""

import contextlib
import csv
import logging
import time

import rich.box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from swin_keras.names import printable
from swin_keras.tasks import task_named
from swin_keras.tuning.results import best_of
from swin_keras.tuning.study import Study
from swin_keras.tuning.study_folder import FINISHED, RUNNING, StudyFolder, score_of

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LOOKS = 1.0
MAX_SHOWN = 15  # trials in the table: the newest, and the best


class Board:
    """Show the trials of a study and the time left, from the study's folder.

    On a terminal as a table, elsewhere as a line for each trial that has ended.

    Args:
        study: The study.
        folder: Its folder.
        workers: Trials that run at the same time.
    """

    def __init__(self, study: Study, folder: StudyFolder, workers: int):
        self.study = study
        self.folder = folder
        self.workers = workers
        self._last_look = 0.0
        self._told = {t.id for t in folder.trials() if t.status != RUNNING}
        self._before, self._began = folder.seconds, time.monotonic()
        console = Console(stderr=True, markup=False, emoji=False)
        self._live = None
        if console.is_terminal:
            self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self):
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_):
        self._last_look = 0.0
        self.look()
        if self._live:
            with contextlib.suppress(OSError):  # the terminal has been closed
                self._live.stop()

    @property
    def seconds(self) -> float:
        """How long the study has run, over all its parts."""
        return self._before + time.monotonic() - self._began

    def look(self):
        """Show what has changed; cheap enough to be called all the time."""
        if time.monotonic() - self._last_look < SECONDS_BETWEEN_LOOKS:
            return
        self._last_look = time.monotonic()
        trials = self.folder.trials()
        for trial in trials:
            if trial.status != RUNNING and trial.id not in self._told:
                self._told.add(trial.id)
                log.info("%s", self._line(trial, trials))
        if self._live:
            with contextlib.suppress(OSError):
                self._live.update(self._picture(trials), refresh=True)

    def _line(self, trial, trials):
        best = best_of(trials)
        return "  ".join(
            [
                f"trial {trial.id}{self._of()}: {_outcome(trial)}",
                f"{trial.seconds:.0f} s",
                f"({values_in_words(trial.chosen)})",
                f"best {in_words(best.score)}, trial {best.id}" if best else "none yet",
                f"ETA {self.eta(trials)}",
            ]
        )

    def _of(self):
        return f" of {self.study.trials}" if self.study.trials else ""

    def _picture(self, trials):
        best = best_of(trials)
        table = Table(
            "trial",
            "outcome",
            "time",
            "values",
            box=rich.box.SIMPLE_HEAD,
            pad_edge=False,
        )
        shown = trials[-MAX_SHOWN:]
        if best and best not in shown:
            shown = [best, *shown]
        for trial in shown:
            outcome, seconds = _outcome(trial), f"{trial.seconds:.0f} s"
            if trial.status == RUNNING:
                outcome, seconds = self._progress(trial), ""
            style = "bold green" if trial is best else None
            table.add_row(
                trial.id,
                outcome,
                seconds,
                values_in_words(trial.chosen),
                style=style,
            )
        ended = sum(trial.status != RUNNING for trial in trials)
        minutes, seconds = divmod(round(self.seconds), 60)
        line = (
            f"{self.study.name}: {ended}{self._of()} trials in "
            f"{minutes}:{seconds:02d}, ETA {self.eta(trials)}"
        )
        return Group(table, Text(line))

    def _progress(self, trial):
        """Return how far a running trial is, by its metrics."""
        try:
            with self.folder.run(trial.id).metrics.open(encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except OSError:
            rows = []
        if not rows:
            return "starts"
        epochs = trial.values.get("tuner/epochs")
        epochs = epochs or self.study.train_config(trial.values).epochs
        config = self.study.train_config(trial.values)
        task = task_named(config.task)
        score = score_of({k: float(v) for k, v in rows[-1].items() if v}, task)
        return f"epoch {len(rows)} of {epochs}, {in_words(score)}"

    def eta(self, trials) -> str:
        """Return the time left as text, by the mean of the trials so far."""
        ended = [trial.seconds for trial in trials if trial.status != RUNNING]
        left = []
        if self.study.trials and ended:
            count = max(self.study.trials - len(ended), 0)
            left.append(count * sum(ended) / len(ended) / self.workers)
        if self.study.minutes:
            left.append(max(60 * self.study.minutes - self.seconds, 0))
        if not left:
            return "unknown"
        minutes, seconds = divmod(round(min(left)), 60)
        return f"{minutes}:{seconds:02d}"


def values_in_words(values: dict) -> str:
    """Return a trial's values in a line.

    >>> values_in_words({"learning_rate": 0.0012345, "sizes.embed_dim": 24})
    'learning_rate 0.00123, embed_dim 24'
    """
    return ", ".join(
        f"{name.removeprefix('sizes.')} "
        f"{f'{value:.3g}' if isinstance(value, float) else value}"
        for name, value in values.items()
    )


def in_words(score: float) -> str:
    """Return a score as a share, or the loss that it is the negative of.

    >>> in_words(0.5), in_words(-1.25)
    ('50.00%', 'loss 1.2500')
    """
    return f"{score:.2%}" if score >= 0 else f"loss {-score:.4f}"


def _outcome(trial):
    if trial.status == FINISHED:
        return in_words(trial.score)
    return f"{trial.status}: {printable(trial.reason)}"
