"""The folder of a study: what was tried, in what order, and what came out.

    tuning/runs/<study>/
      study.json      the study as it began
      journal.jsonl   a line for each trial that began or ended, and each pause
      trials/0000/    the run of each trial, and trial.json: values and outcome

Everything is written whole and flushed to the disk, so that a study which is
killed at any moment can be resumed.
"""

import dataclasses
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from swin_keras.errors import UsageError
from swin_keras.files import expanded, write_text
from swin_keras.names import check_name
from swin_keras.training.run_folder import RunFolder
from swin_keras.tuning.study import Study

RUNNING, FINISHED, OVER, FAILED = "running", "finished", "over the limit", "failed"
# What reading JSON of another shape raises; a number of 400 digits overflows.
_NOT_AS_WRITTEN = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried.

    Args:
        id: Its number, as text.
        values: What the space's parameters are.
        status: "running", "finished", "over the limit" or "failed".
        reason: Why it was not finished, in words.
        costs: What the model costs; see `measure`.
        metrics: What training measured, of the epoch that is kept.
        seconds: How long it took, with everything.
    """

    id: str
    values: dict
    status: str = RUNNING
    reason: str = ""
    costs: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def score(self) -> float | None:
        """What the search maximizes, on the validation images; `None` if not finished.

        The task's figure, such as accuracy; the loss, negative, where it has none.
        """
        if self.status != FINISHED:
            return None
        return self.metrics.get("score", self.metrics.get("val_accuracy"))

    @property
    def chosen(self) -> dict:
        """The values without those that hyperband keeps its own books with."""
        return {n: v for n, v in self.values.items() if not n.startswith("tuner/")}


@dataclass(frozen=True)
class StudyFolder:
    """Where a study is kept while it runs."""

    path: Path

    @classmethod
    def of(cls, study: Study) -> "StudyFolder":
        return cls(expanded(study.folder) / "runs" / study.name)

    @property
    def study(self) -> Path:
        return self.path / "study.json"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def trials_dir(self) -> Path:
        return self.path / "trials"

    def run(self, trial_id: str) -> RunFolder:
        """Return the run of a trial."""
        return RunFolder.named(self.trials_dir, trial_id)

    def begin(self, study: Study, resume: bool):
        """Make the folder, or see that it is this study's.

        Raises:
            UsageError: If the study has begun and is not resumed, or the folder is
                that of another study.
        """
        self.trials_dir.mkdir(parents=True, exist_ok=True)
        if not self.study.is_file():
            self.update(study)
            return
        differences = self.read_study().differences(study)
        if differences:
            raise UsageError(
                f"A study resumes as it began: {'; '.join(differences)}. Put it back, "
                f"or give the file another name, or remove {self.path}."
            )
        if not resume and self.journal.is_file():
            raise UsageError(
                f"A study of this name has begun in {self.path}. Continue it with "
                "--resume, give the file another name, or remove the folder."
            )

    def update(self, study: Study):
        """Write down the study, for trials and workers to read."""
        write_text(self.study, json.dumps(study.to_dict(), indent=2) + "\n")

    def read_study(self) -> Study:
        """Return the study that this folder is of.

        Raises:
            UsageError: If that cannot be read.
        """
        with self._damage(self.study):
            return Study.from_dict(_read_object(self.study))

    def trial(self, trial_id: str) -> Trial:
        """Return a trial as it stands.

        Raises:
            UsageError: If that cannot be read.
        """
        path = self.run(trial_id).path / "trial.json"
        with self._damage(path):
            trial = Trial(**_read_object(path))
            check_name(trial.id, "A trial's id")
            if trial.status == FINISHED:
                float(trial.score)
            return trial

    def has(self, trial_id: str) -> bool:
        """Return whether anything is known of a trial."""
        return (self.run(trial_id).path / "trial.json").is_file()

    def write(self, trial: Trial):
        """Write down how a trial stands."""
        path = self.run(trial.id).path
        path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(dataclasses.asdict(trial), indent=2) + "\n"
        write_text(path / "trial.json", text)

    def trials(self) -> list[Trial]:
        """Return all trials in the order in which they began."""
        paths = sorted(self.trials_dir.glob("*/trial.json"))
        return [self.trial(path.parent.name) for path in paths]

    def events(self) -> list[dict]:
        """Return what the journal tells; a last line that was cut off is left out."""
        if not self.journal.is_file():
            return []
        with self._damage(self.journal):
            lines = self.journal.read_bytes().split(b"\n")[:-1]
            events = [json.loads(line) for line in lines]
            _check_events(events)
        return events

    def note(self, **event):
        """Add a line to the journal."""
        with open(self.journal, "ab") as file:
            file.write(json.dumps(event).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def repair(self):
        """Remove a last line of the journal that was cut off."""
        if self.journal.is_file():
            whole = self.journal.read_bytes().rpartition(b"\n")
            if whole[2]:
                write_text(self.journal, (whole[0] + whole[1]).decode())

    @contextmanager
    def _damage(self, path):
        """Explain that a file of this folder is not what was written."""
        try:
            yield
        except _NOT_AS_WRITTEN as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"What a study has written must be as it was. {path}: {reason}. Put it "
                f"back, or remove {self.path} and begin again."
            ) from error

    @property
    def seconds(self) -> float:
        """How long the study has run so far, over all its parts."""
        return max((event["seconds"] for event in self.events()), default=0.0)


def _read_object(path):
    if not path.is_file():  # a pipe would be waited for
        raise ValueError("it is missing, or no file")
    value = json.loads(path.read_text("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def _check_events(events):
    """Refuse events that do not follow from one another, by what they lack."""
    begun = set()
    for event in events:
        float(event["seconds"])
        if "start" in event:
            _ = event["tuner"], event["values"].items()
            begun.add(event["start"])
        elif "end" in event:
            float(event["score"] or 0.0)  # `None` of one that failed
            if event["end"] not in begun:
                raise ValueError(f"trial {event['end']!r} ends, and did not begin")


def score_of(metrics: dict, task) -> float:
    """Return what a search maximizes: the task's figure, or the loss, negative."""
    monitor = f"val_{task.figure}"
    return metrics[monitor] if monitor in task.monitors else -metrics["val_loss"]
