"""Run one trial, in a subprocess: what it takes, it gives back.

python -m swin_keras.tuning.trial tuning/runs/digits 0003
"""

import dataclasses
import logging
import math
import shutil
import sys
import time
from pathlib import Path

from swin_keras.errors import Interrupted, SwinKerasError, TrainingError
from swin_keras.processes import end_with_starter, quiet
from swin_keras.tuning.study_folder import (
    FAILED,
    FINISHED,
    OVER,
    StudyFolder,
    Trial,
    score_of,
)


def main(path: str, trial_id: str) -> int:
    """Run a trial to its end; return 0, or the exit code of a signal."""
    start = time.monotonic()
    end_with_starter(at_once=True)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("swin_keras").setLevel(logging.INFO)
    with quiet():
        import swin_keras.training.train  # noqa: F401  drivers are announced here

    folder = StudyFolder(Path(path))
    trial = folder.trial(trial_id)
    code = 0
    try:
        trial = run_trial(folder, trial)
    except Interrupted as error:
        trial, code = folder.trial(trial_id), error.exit_code  # with what it costs
    except Exception as error:
        trial = folder.trial(trial_id)
        if not isinstance(error, SwinKerasError):
            logging.getLogger(__name__).exception("the trial failed")
        trial = dataclasses.replace(trial, status=FAILED, reason=reason_of(error))
    seconds = round(trial.seconds + time.monotonic() - start, 2)
    folder.write(dataclasses.replace(trial, seconds=seconds))
    return code


def reason_of(error) -> str:
    """Explain in a line why something failed."""
    text = next(iter(str(error).strip().splitlines()), "")
    if isinstance(error, SwinKerasError):
        return text
    return f"{type(error).__name__}: {text}"[:300].rstrip(": ")


def run_trial(folder: StudyFolder, trial: Trial) -> Trial:
    """Measure a trial's model, and train it if it is within the limits.

    Returns:
        The trial with what came out.
    """
    from swin_keras.report.tensorboard import write_hparams
    from swin_keras.training.compile_cache import prepare_compiler
    from swin_keras.training.preparation import prepare
    from swin_keras.training.train import train
    from swin_keras.tuning.limits import measure

    if (earlier := _earlier(folder, trial)) and earlier.status != FINISHED:
        # Hyperband goes on with as many as it planned, whatever became of them.
        return dataclasses.replace(earlier, id=trial.id, values=trial.values, seconds=0)
    study = folder.read_study()
    config = dataclasses.replace(
        study.train_config(trial.values),
        name=trial.id,
        runs_dir=str(folder.trials_dir),
    )
    config = _as_begun(folder, trial, config)
    prepare_compiler(config)
    job = prepare(config)
    if not trial.costs:  # measured once, also if it is resumed, or gone on with
        costs = (earlier and earlier.costs) or measure(job, study.limits)
        trial = dataclasses.replace(trial, costs=costs)
        folder.write(trial)
    over = study.limits.broken(trial.costs)
    if over:
        return dataclasses.replace(trial, status=OVER, reason=over)
    part = range(trial.values.get("tuner/epochs", config.epochs))
    if earlier:
        take_over(folder, earlier.id, trial.id)
    run = train(config, resume=True, job=job, part=part)
    metrics = {n: v for n, v in run.read_card().metrics.items() if n != "seconds"}
    metrics["score"] = score_of(metrics, job.task)
    if math.isnan(metrics["score"]):
        raise TrainingError("What judges the trial on the validation images is NaN.")
    trial = dataclasses.replace(trial, status=FINISHED, metrics=metrics)
    if config.tensorboard:
        figure = f"val_{job.task.figure}"
        write_hparams(run.tensorboard, trial.id, trial.chosen, trial.score, figure)
    if study.tuner != "hyperband":  # which continues the best of its trials
        shutil.rmtree(run.checkpoints, ignore_errors=True)
    return trial


def _earlier(folder: StudyFolder, trial: Trial) -> Trial | None:
    """Return the trial of the same values that a trial goes on with, if any."""
    earlier = trial.values.get("tuner/trial_id")
    return None if earlier is None else folder.trial(earlier)


def _as_begun(folder: StudyFolder, trial: Trial, config):
    """Return a trial's options with the numbers that it, or what it continues, has.

    A batch size that is left open follows from the memory and the devices, which may
    be others by now.
    """
    from swin_keras.training.extending import as_begun
    from swin_keras.training.presets import RATES

    run = folder.run(trial.id)
    if run.config.is_file():
        return as_begun(run, config)
    if "tuner/trial_id" not in trial.values:
        return config
    before = folder.run(trial.values["tuner/trial_id"]).read_config()
    names = [n for n in ("batch_size", *RATES) if getattr(config, n) is None]
    return dataclasses.replace(config, **{n: getattr(before, n) for n in names})


def take_over(folder: StudyFolder, earlier: str, trial_id: str):
    """Begin a trial where an earlier one of the same values ended.

    Its best model may have been lost; training says so then.
    """
    before, now = folder.run(earlier), folder.run(trial_id)
    if now.checkpoints.exists():
        return
    if before.best_model.exists():
        shutil.copyfile(before.best_model, now.best_model)
    part = now.checkpoints.with_name(".checkpoints.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(before.checkpoints, part)
    part.rename(now.checkpoints)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
