"""The folder of a run: `runs/<name>/`, never overwritten."""

import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from swin_keras.drives import is_of_the_drive, lock, remedy
from swin_keras.errors import ResourceError, UsageError
from swin_keras.files import expanded
from swin_keras.model_files import ModelCard, read_card
from swin_keras.names import check_name
from swin_keras.training.config import TrainConfig
from swin_keras.yaml_files import read_yaml

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its configuration, metrics, best model and pictures."""

    path: Path

    @classmethod
    def named(cls, runs_dir, name: str) -> "RunFolder":
        """Return the run of this name, whether or not it exists.

        Raises:
            UsageError: If the name is none, but a path.
        """
        return cls(expanded(runs_dir) / check_name(name, "A run's name", UsageError))

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    def read_config(self) -> TrainConfig:
        """Return the configuration that the run began with.

        Raises:
            UsageError: If it cannot be read.
        """
        try:
            values = read_yaml(self.config)
            if not isinstance(values, dict):
                raise UsageError(f"{self.config} holds no options.")
            return TrainConfig.from_dict(values)
        except UsageError as error:
            raise UsageError(
                f"A run resumes by its configuration, which cannot be read. {error} "
                "Put it back, or start another run."
            ) from error

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def best_model(self) -> Path:
        return self.path / "best.keras"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def plots(self) -> Path:
        return self.path / "plots"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def card(self) -> Path:
        return self.path / "card.json"

    def read_card(self) -> ModelCard:
        """Return the card of a finished run; before that, its best model's."""
        return read_card(self.path) or read_card(self.best_model)

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def samples(self) -> Path:
        return self.path / "samples"


def create_run(
    runs_dir, name: str | None, data: str, *, resume: bool = False
) -> RunFolder:
    """Make the folder of a new run.

    Args:
        runs_dir: Folder in which runs are kept.
        name: Name of the run; `None` takes the data's name and the first free
            number.
        data: Name of the data set or path of the folder of images.
        resume: Whether to take the folder of a run that was ended before it wrote
            its configuration, which it does when all else is ready.

    Raises:
        UsageError: If there is a run of this name, or `runs_dir` is a file.
        ResourceError: If the folder cannot be made.
    """
    runs_dir = expanded(runs_dir)
    try:
        if runs_dir.exists() and not runs_dir.is_dir():
            raise UsageError(
                f"`runs_dir` must be a folder. Received: {runs_dir}, which is a file. "
                "Move it away, or choose another."
            )
        runs_dir.mkdir(parents=True, exist_ok=True)
        if name is None:
            return _first_free(runs_dir, _slug(data))
        run = RunFolder.named(runs_dir, name)
        path = run.path
        path.mkdir(parents=True, exist_ok=resume and not run.config.exists())
    except FileExistsError:
        raise UsageError(
            f"A run must have a name of its own, and {runs_dir / name} exists. "
            "Choose another --name, leave it out, or resume it: --resume."
        ) from None
    except OSError as error:
        raise ResourceError(
            f"The run's folder must be writable. {runs_dir}: {error.strerror}."
        ) from error
    return RunFolder(path)


@contextmanager
def locked(folder, instead: str = "choose another --name"):
    """Keep other processes from training into the same folder.

    The lock ends with the process, however it ends. On a drive without locks it is
    said that there is none.

    Args:
        folder: The folder of a run or a study: what has a `path`.
        instead: What the user may do other than wait, for the message.

    Raises:
        ResourceError: If another process trains there, or the drive fails.
    """
    path = folder.path / ".lock"
    try:
        file = open(path, "a")  # noqa: SIM115  closed below
    except OSError as error:
        raise _unwritable(path, error) from error
    with file:
        try:
            has_locks = lock(file)
        except BlockingIOError:
            raise ResourceError(
                f"Another process is training in {folder.path}. Wait for it, end it, "
                f"or {instead}."
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from error
        if not has_locks:
            log.warning(
                "%s is on a drive without file locks: let no other process train "
                "there at the same time.",
                folder.path,
            )
        yield


@contextmanager
def disk_errors(folder, how_to_resume=lambda: ""):
    """Explain that a folder's files could not be written.

    Args:
        folder: The folder of a run or a study: what has a `path`.
        how_to_resume: Called then; returns how to resume, a sentence.

    Raises:
        ResourceError: For what a full or read-only disk raises.
    """
    try:
        yield
    except OSError as error:
        if not is_of_the_drive(error):
            raise
        raise _unwritable(folder.path, error, how_to_resume()) from error


def _unwritable(path, error, advice=""):
    reason = error.strerror or "No space left on device"
    return ResourceError(
        f"A run's files must be writable. {error.filename or path}: {reason}. "
        f"{remedy(error)}.{f' {advice}' if advice else ''}"
    )


def _first_free(runs_dir, stem):
    number = 1
    while True:
        try:
            path = runs_dir / f"{stem}-{number}"
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return RunFolder(path)


def _slug(data):
    name = Path(data).name or "run"
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.") or "run"
