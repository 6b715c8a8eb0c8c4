"""A run that is open: its devices found, its folder locked, its records written."""

import dataclasses
import logging
import shlex
import shutil
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from swin_keras.backend import require_tensorflow
from swin_keras.data import extract
from swin_keras.data.extract import evenly_spaced
from swin_keras.data.pipeline import image_advice
from swin_keras.errors import Interrupted, UsageError
from swin_keras.files import write_text
from swin_keras.options import path_word
from swin_keras.processes import StopSignals, find_devices
from swin_keras.report import part_of, plot_lr_range
from swin_keras.screen import PlainFormatter
from swin_keras.training.compile_cache import kept_programs
from swin_keras.training.config import TrainConfig
from swin_keras.training.description import describe
from swin_keras.training.extending import as_begun
from swin_keras.training.job import TrainingJob
from swin_keras.training.lost_images import lost_images
from swin_keras.training.resume import StoppedWithinEpoch
from swin_keras.training.run_folder import RunFolder, create_run, disk_errors, locked
from swin_keras.training.search import RangeTest
from swin_keras.training.speaking import logged_by, spoken
from swin_keras.training.strategy import Replicas, make_strategy
from swin_keras.training.xla_flags import leave_out_triton

log = logging.getLogger(__name__)
# Runs of one process share Python's random numbers, and what is logged.
_ONE_RUN = threading.RLock()
SAMPLES = 16  # test images kept with the run: for prediction and export checks


@dataclass
class OpenRun:
    """A run from when its devices are found until its last file is written."""

    config: TrainConfig  # of a run that resumes, as it began
    replicas: Replicas
    stop: StopSignals
    folder: RunFolder | None  # none yet of a new run, until it is ready to start
    may_exist: bool = False  # the folder of one that ended before it had begun

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to train."""
        if self.folder is None or not self.folder.card.is_file():
            return False
        return self.folder.read_config().epochs == self.config.epochs

    @contextmanager
    def recorded(self, job: TrainingJob, range_test: RangeTest | None = None):
        """Yield the run's folder while its lines go to its log.

        Only now is a new one made: with what cannot be used nothing is begun. The
        chief writes in it what the run starts from.

        Args:
            job: The run, ready to start.
            range_test: How its learning rate was found, if it was.

        Raises:
            Interrupted: If a signal came, with how the run is resumed.
            ResourceError: If the disk is full, or another process has the folder.
            DataError: That names the images which cannot be read.
        """
        with ExitStack() as stack:
            is_new = self.folder is None
            if is_new and self.replicas.is_chief:
                _check_inputs(job)
            if is_new:
                self._make_folder(stack)
            run = self.folder
            stack.enter_context(disk_errors(run, lambda: _how_to_resume(run)))
            if self.replicas.is_chief:
                stack.enter_context(_log_file(run.log))
                log.info("run %s%s", run.path, "" if is_new else " resumes")
                for line in describe(job):
                    log.info("%s", line)
                if is_new:
                    _write_inputs(run, job, range_test)
            stack.enter_context(_resumable(run, self.stop))
            stack.enter_context(lost_images(run, job))
            yield run

    def _make_folder(self, stack):
        config = self.config
        if not self.replicas.is_chief:
            self.folder = RunFolder.named(config.runs_dir, config.name)
            return
        self.folder = create_run(
            config.runs_dir, config.name, config.data, resume=self.may_exist
        )
        stack.enter_context(locked(self.folder))


@contextmanager
def open_run(config: TrainConfig, *, resume: bool = False, verbose: bool = True):
    """Yield an `OpenRun`: with its devices, and its folder locked if it resumes.

    Threads take turns: each run is what it would be alone.

    Args:
        config: What and how.
        resume: Whether to resume the run of this name, if there is one.
        verbose: Whether its lines are shown where the program has no logging.

    Raises:
        UsageError: If an option cannot work, or is not the one it began with.
        ResourceError: If another process trains in its folder.
    """
    require_tensorflow("Training")
    leave_out_triton()
    with _ONE_RUN, ExitStack() as stack:
        stack.enter_context(kept_programs(config))  # before devices are looked for
        find_devices()
        replicas = Replicas(make_strategy(config.strategy))
        _check_shared(config, resume, replicas)
        stack.enter_context(spoken(verbose and replicas.is_chief))
        stop = StopSignals()
        stack.enter_context(stop.handled())
        folder = _find_run(config) if resume else None
        if folder and replicas.is_chief:
            stack.enter_context(locked(folder))
        if folder:
            config = as_begun(folder, config)
        yield OpenRun(config, replicas, stop, folder, may_exist=resume)


def _check_shared(config, resume, replicas):
    if not config.name and (resume or replicas.is_multiworker):
        raise UsageError(
            "A run that is resumed, or that workers share, is found by its name. Give "
            "--name, or --config runs/<name>/config.yaml."
        )
    autos = [n for n in ("batch_size", "learning_rate") if getattr(config, n) == "auto"]
    if autos and replicas.is_multiworker:
        raise UsageError(
            f"Workers must agree on {' and '.join(autos)}, which is 'auto'. Find it in "
            "one process with --dry-run, then give the number."
        )


def _find_run(config):
    run = RunFolder.named(config.runs_dir, config.name)
    return run if run.config.exists() else None


def _check_inputs(job):
    """Decode what is written of the images, before there is a folder.

    Raises:
        DataError: That says what to do about one that cannot be read.
    """
    test = job.dataset.splits["test"]
    with image_advice():
        job.first_images()
        for index in evenly_spaced(len(test), SAMPLES):
            test.image(index, job.dataset.image_shape[-1])


def _write_inputs(run, job, range_test):
    run.plots.mkdir(exist_ok=True)
    if range_test:
        picture = run.plots / "learning_rate.png"
        chosen = range_test.chosen
        plot_lr_range(range_test.rates, range_test.losses, chosen, picture)
    picture = run.plots / "training_images.png"
    part_of(job.config.task).plot_training_images(
        *job.first_images(), job.dataset, picture
    )
    if not run.samples.exists():
        part = run.samples.with_name(".samples.part")
        shutil.rmtree(part, ignore_errors=True)
        extract(job.dataset, part, count=SAMPLES, split="test")
        part.rename(run.samples)
    config = dataclasses.replace(job.config, name=run.name)
    write_text(run.config, config.to_yaml())  # last: from now on the run can be resumed


@contextmanager
def _resumable(run, stop):
    """Say how a run that is stopped resumes.

    Where a callback stopped it within an epoch, that is no error.
    """
    try:
        yield
    except StoppedWithinEpoch as stopped:
        how = _how_to_resume(run)
        log.warning("%s: the run is not finished, and has no card. %s", stopped, how)
    except (Interrupted, KeyboardInterrupt):
        message = f"stopped; checkpoints are in {run.checkpoints}. "
        raise Interrupted(stop.signal, message + _how_to_resume(run)) from None


def _how_to_resume(run):
    if run.config.is_file():
        path = shlex.quote(path_word(run.config))
        return f"Resume with: swin-keras train --config {path} --resume"
    return f"Then start it again, with --name {run.name} --resume."


class _LogFile(logging.FileHandler):
    def handleError(self, record):  # noqa: N802  logging's name
        """Continue without the line: other writes report that the disk is full."""


@contextmanager
def _log_file(path):
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(PlainFormatter("%(asctime)s %(message)s"))
    with logged_by(handler):
        yield
