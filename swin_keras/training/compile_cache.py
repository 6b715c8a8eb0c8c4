"""What XLA has compiled, kept on disk: once for a model and a machine, not a run."""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import platform
from pathlib import Path

from swin_keras.drives import lock
from swin_keras.files import write_text
from swin_keras.model_files.card import installed_version
from swin_keras.training.xla_flags import leave_out_triton

log = logging.getLogger(__name__)
FOLDER_FLAG = "--tf_xla_persistent_cache_directory"
DEVICES_FLAG = "--tf_xla_persistent_cache_device_types"
INDEX, LOCK = "index.json", ".lock"
MAX_BYTES = 2**31  # of all files; the oldest go first


def prepare_compiler(config):
    """Set what XLA leaves out and where it keeps what it compiles, as a run asks.

    TensorFlow reads both once: this comes before it looks for devices.

    Args:
        config: The `TrainConfig` of the run.
    """
    leave_out_triton()  # what is kept depends on it
    if config.compile_cache is not False:
        CompileCache(on_cpu=bool(config.compile_cache)).announce()


def kept_programs(config) -> contextlib.AbstractContextManager:
    """Return what keeps, as a run asks, what XLA compiles until it is left."""
    if config.compile_cache is False:
        return contextlib.nullcontext()
    return CompileCache(on_cpu=bool(config.compile_cache))


class CompileCache:
    """A folder in which TensorFlow keeps what XLA compiled.

    TensorFlow takes a damaged file for the end of the data, or ends; so a file is
    kept only if its SHA-256 is in an index that is written after the run. What a
    killed run leaves is compiled again.

    Args:
        on_cpu: Whether to keep what is compiled for a CPU, too.
        folder: Where; by default that of this machine, below the user's cache.
    """

    def __init__(self, on_cpu: bool = False, folder: Path | None = None):
        self.folder = folder or default_folder()
        self._flags = f"{FOLDER_FLAG}={self.folder}"
        if not on_cpu:
            self._flags += f" {DEVICES_FLAG}=GPU"

    def announce(self) -> bool:
        """Have TensorFlow use the folder, unless TF_XLA_FLAGS names another.

        TensorFlow reads the flags once, when it is first asked for its devices.

        Returns:
            Whether the folder can be used.
        """
        flags = os.environ.get("TF_XLA_FLAGS", "")
        if FOLDER_FLAG in flags:
            return self._flags in flags
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.info("no cache of compiled steps in %s: %s", self.folder, error)
            return False
        os.environ["TF_XLA_FLAGS"] = f"{flags} {self._flags}".strip()
        return True

    def __enter__(self):
        self._is_used, self._lock = self.announce(), None
        if self._is_used:
            self._try(self._enter)
        return self

    def __exit__(self, *error):
        """Note what is whole, for the next run."""
        if self._is_used:
            self._try(self.note)
        if self._lock is not None:
            os.close(self._lock)

    def _enter(self):
        """Clean, unless other runs are at work: they note their files at their end."""
        self._lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        with contextlib.suppress(BlockingIOError):
            lock(self._lock)
            self.clean()
        lock(self._lock, fcntl.LOCK_SH)

    def _try(self, step):
        try:
            step()
        except OSError as error:
            log.info("compiled steps in %s are not kept: %s", self.folder, error)

    def files(self) -> list[Path]:
        """Return the compiled files, the newest first."""
        files = [path for path in self.folder.glob("*.pb") if path.is_file()]
        return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)

    def clean(self):
        """Delete files that are not whole, and the oldest of too many."""
        known, total = self._index(), 0
        for path in self.files():
            total += path.stat().st_size
            if total > MAX_BYTES or known.get(path.name) != _sha256(path):
                path.unlink(missing_ok=True)

    def note(self):
        """Write the index of all files."""
        index = {path.name: _sha256(path) for path in self.files()}
        write_text(self.folder / INDEX, json.dumps(index, indent=2) + "\n")

    def _index(self) -> dict:
        try:
            index = json.loads((self.folder / INDEX).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return index if isinstance(index, dict) else {}


def default_folder() -> Path:
    """Return the folder for this machine and these versions.

    Code for one processor may not run on another that shares the home folder, and
    TensorFlow would take what XLA compiled with other flags.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    flags = sorted(os.environ.get("XLA_FLAGS", "").split())
    versions = installed_version("tensorflow"), platform.machine()
    about = (*versions, _cpu(), *flags)
    key = hashlib.sha256(repr(about).encode()).hexdigest()[:16]
    return Path(cache) / "swin_keras" / "xla" / key


def _cpu() -> str:
    """Return what this processor can do, as far as the system says."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(sorted({x for x in lines if x.startswith(("model", "flags"))}))


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
