"""Search for the best configuration: `swin-keras tune`, or `swin_keras.tune(...)`."""

import contextlib
import dataclasses
import logging
import shlex
import signal

from swin_keras.errors import Interrupted, ResourceError, UsageError, WeightsError
from swin_keras.files import expanded
from swin_keras.options import option_words, path_word
from swin_keras.processes import quiet, signals_to
from swin_keras.training.launching import StopRequest, check_workers
from swin_keras.training.run_folder import disk_errors, locked
from swin_keras.tuning.board import Board
from swin_keras.tuning.results import StudyOutcome, write_results
from swin_keras.tuning.study import Study
from swin_keras.tuning.study_folder import StudyFolder

log = logging.getLogger(__name__)


def tune(
    study,
    *,
    resume: bool = False,
    workers: int = 1,
    max_trials: int | None = None,
    max_minutes: float | None = None,
    data_dir: str | None = None,
) -> StudyOutcome:
    """Search, and write `results/<study>.json`, `.csv` and `.png`.

    Each trial is a run in `runs/<study>/trials/`, trained in a subprocess. A
    trial that fails is recorded with its reason.

    Args:
        study: A `Study`, or the path of its YAML file.
        resume: Whether to resume the study of this name, if it has begun: what
            was finished stays, what was running resumes from its checkpoint.
        workers: Trials at the same time, each with its share of the GPUs.
        max_trials: Instead of the study's own `trials`.
        max_minutes: Instead of its `minutes`.
        data_dir: Instead of its `train.data_dir`; not written into the results.

    Returns:
        The winner and its run, all trials, and the path of the results.

    Raises:
        UsageError: If something in the study cannot work, before the first trial.
        DataError: If the data cannot be used.
        ResourceError: If another process works on this study.
        Interrupted: If a signal stopped the study.
        TrainingError: If no trial was finished.
    """
    begun_with = study
    given = study if isinstance(study, Study) else Study.read(study)
    given = _with_budget(given, max_trials, max_minutes)
    study = given
    if data_dir is not None:
        train = dataclasses.replace(given.train, data_dir=data_dir)
        study = dataclasses.replace(given, train=train)
    _check(study, workers)
    folder = StudyFolder.of(study)
    try:
        folder.begin(study, resume)
    except OSError as error:
        raise ResourceError(
            f"The study's folder must be writable. {folder.path}: {error.strerror}."
        ) from error
    with (
        disk_errors(folder, lambda: "Resume with --resume."),
        locked(folder, instead="give the study's file another name"),
    ):
        folder.update(study)
        folder.repair()
        stop = StopRequest()
        with signals_to(stop.note), Board(study, folder, workers) as board:
            is_over = _search(study, folder, workers, stop, board)
            folder.note(pause=stop.signal, seconds=round(board.seconds, 2))
    if stop.signal and not is_over:
        options = {
            "max-trials": max_trials,
            "max-minutes": max_minutes,
            "data-dir": data_dir,
            "workers": workers if workers > 1 else None,
        }
        raise Interrupted(stop.signal, _how_to_resume(begun_with, folder, options))
    if is_over:
        log.info("time is up; continue with --resume --max-minutes")
    with disk_errors(folder, lambda: "Resume with --resume."):
        return write_results(given, folder)


def _with_budget(study, max_trials, max_minutes):
    budget = {"trials": max_trials, "minutes": max_minutes}
    given = {name: value for name, value in budget.items() if value is not None}
    return dataclasses.replace(study, **given)


def _check(study, workers):
    """Refuse what cannot work, before anything is trained."""
    from swin_keras.tasks import task_named
    from swin_keras.training.model_size import model_config_of
    from swin_keras.training.preparation import load_data

    check_workers(workers)
    if workers > 1 and study.limits.litert_ms is not None:
        raise UsageError(
            "A limit on latency is measured on a machine that does nothing else: "
            "leave --workers out."
        )
    dataset = load_data(study.train)

    def accept(values):
        config = study.train_config(values)
        task = task_named(config.task)
        task.check_options(config)
        task.check_model(model_config_of(config, dataset), config)
        _check_sources(config)

    study.space.check(accept)


def _check_sources(config):
    """Refuse what to start or learn from where it is not there."""
    from swin_keras.weights.source import imagenet_address

    if config.weights == "imagenet":
        try:
            imagenet_address(config.model)
        except WeightsError as error:
            raise UsageError(str(error)) from error
    for name in ("weights", "teacher", "unlabelled"):
        path = getattr(config, name)
        is_remote = path is None or path == "imagenet" or path.startswith("hf://")
        if not is_remote and not expanded(path).exists():
            raise UsageError(
                f"`{name}` must be a file or folder that is there. Received: {path!r}."
            )


def _search(study, folder, workers, stop, board) -> bool:
    """Run the search to its end, or to a signal; return whether time was up."""
    with quiet():
        from swin_keras.tuning.tuner import SearchStopped, StudyTuner
        from swin_keras.tuning.workers import search_with_workers

    is_over = False

    def look():
        nonlocal is_over
        board.look()
        if study.minutes and board.seconds > 60 * study.minutes and not stop.signal:
            is_over = True
            stop.note(signal.SIGTERM)

    if workers > 1:
        search_with_workers(study, folder, workers, stop, look)
        return is_over
    with contextlib.suppress(SearchStopped):
        StudyTuner(study, folder, stop, look).search()
    return is_over


def _how_to_resume(study, folder, options):
    """Say how a study is resumed: one of a file by the command, with its options."""
    resume = "the same call of `tune` with resume=True"
    if not isinstance(study, Study):
        words = ["swin-keras", "tune", path_word(study), "--resume"]
        for name, value in options.items():
            if value is not None:
                words += option_words(name, value)
        resume = shlex.join(words)
    return (
        f"stopped; what was finished is in {folder.path}, and what was running has a "
        f"checkpoint. Resume with: {resume}"
    )
