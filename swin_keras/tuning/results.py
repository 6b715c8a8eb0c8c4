"""What came out of a study: the winner, a table of all trials, a picture."""

import csv
import dataclasses
import io
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from swin_keras.errors import TrainingError
from swin_keras.files import expanded, to_json, write_text
from swin_keras.model_files.card import installed_version, installed_versions
from swin_keras.report.search_plot import plot_search
from swin_keras.tasks import task_named
from swin_keras.training.presets import RATES
from swin_keras.training.run_folder import RunFolder
from swin_keras.tuning.study import Study
from swin_keras.tuning.study_folder import StudyFolder, Trial


@dataclass(frozen=True)
class StudyOutcome:
    """What came out of a study.

    Args:
        winner: The trial with the highest validation accuracy; of equal ones that of
            the smallest validation loss.
        run: The winner's run.
        trials: All trials.
        path: The JSON file; `swin-keras train --config` takes it. The table and the
            picture stand beside it.
    """

    winner: Trial
    run: RunFolder
    trials: tuple[Trial, ...]
    path: Path


def best_of(trials) -> Trial | None:
    """Return the best finished trial; `None` if there is none.

    A score that is no number, as of a validation loss that is not, is no best.
    """
    finished = [t for t in trials if t.score is not None and not math.isnan(t.score)]
    key = lambda trial: (-trial.score, trial.metrics["val_loss"])  # noqa: E731
    return min(finished, key=key, default=None)


def write_results(study: Study, folder: StudyFolder) -> StudyOutcome:
    """Write `results/<study>.json`, `.csv` and `.png`.

    Args:
        study: The study as its file tells it: paths of this machine, given beside
            it, are not written down.
        folder: Its folder.

    Raises:
        TrainingError: If no trial was finished; the message says why the last was
            not.
    """
    trials = folder.trials()
    winner = best_of(trials)
    if winner is None:
        reasons = [f"trial {t.id}: {t.reason}" for t in trials if t.reason]
        raise TrainingError(
            f"No trial of {folder.path} was finished, of {len(trials)} that began. "
            f"{(reasons or ['None came to its end.'])[-1]}"
        )
    results = expanded(study.folder) / "results"
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"{study.name}.json"
    write_text(path, to_json(_summary(study, folder, trials, winner)))
    write_text(path.with_suffix(".csv"), _table(study, trials))
    plot_search(
        _rows(folder, trials),
        list(study.space.parameters),
        winner.id,
        path.with_suffix(".png"),
        task_named(study.train.task).title,
    )
    return StudyOutcome(winner, folder.run(winner.id), tuple(trials), path)


def _summary(study, folder, trials, winner):
    card = folder.run(winner.id).read_card()
    train = dataclasses.asdict(study.train_config(winner.values))
    fitted = {name: card.train[name] for name in ("batch_size", *RATES)}
    return {
        "study": study.name,
        "winner": winner.id,
        "scores": {k: v for k, v in winner.metrics.items() if k != "score"},
        "values": winner.chosen,
        "costs": winner.costs,
        "train": train | fitted,
        "model": card.model,
        "tuner": study.tuner,
        "limits": study.limits.given,
        "trials": dict(Counter(trial.status for trial in trials)),
        "seconds": folder.seconds,
        "data": card.data,
        "versions": installed_versions()
        | {"keras-tuner": installed_version("keras-tuner")},
    }


def _table(study, trials):
    costs = list(dict.fromkeys(name for trial in trials for name in trial.costs))
    metrics = list(dict.fromkeys(name for trial in trials for name in trial.metrics))
    others = {"trial", "status", *costs, *metrics, "seconds", "reason"}
    chosen = {  # a group of fields may have any name
        name: f"chosen {name}" if name in others else name
        for name in study.space.parameters
    }
    columns = ["trial", "status", *chosen.values(), *costs, *metrics]
    columns += ["seconds", "reason"]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for trial in trials:
        writer.writerow(
            {"trial": trial.id, **dataclasses.asdict(trial)}
            | trial.costs
            | trial.metrics
            | {chosen[name]: value for name, value in trial.chosen.items()}
        )
    return text.getvalue()


def _rows(folder, trials):
    """Return what the picture shows of each trial that has ended."""
    minutes = {e["end"]: e["seconds"] / 60 for e in folder.events() if "end" in e}
    return [
        {
            "id": trial.id,
            "status": trial.status,
            "minutes": minutes[trial.id],
            "score": trial.score,
            "values": trial.chosen,
        }
        for trial in trials
        if trial.id in minutes
    ]
