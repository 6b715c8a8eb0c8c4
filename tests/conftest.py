"""Every test starts from the same seed; a small model is trained once for all."""

import fcntl
import gc
import json
import os
import shutil
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pytest

MIRRORED = """
import json, sys, tensorflow as tf, yaml
from swin_keras.training import TrainConfig
from swin_keras.training.train import train
cpu = tf.config.list_physical_devices("CPU")[0]
parts = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, parts)
own = {"name": "mirrored", "strategy": "mirrored"} | json.loads(sys.argv[2])
train(TrainConfig.from_dict(yaml.safe_load(open(sys.argv[1])) | own))
"""

# The first write golden files, with packages that tests do without. The others have no
# doctests, and are of one name, in which several folders at a time cannot be looked at.
collect_ignore_glob = ["**/make_*.py", "**/conftest.py"]


def pytest_collection_finish():
    """Leave what is imported out of all collections of garbage to come."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _same_start():
    keras.utils.set_random_seed(0)
    yield
    left = keras.config.dtype_policy().name
    keras.config.set_dtype_policy("float32")
    assert left == "float32", f"the process is left with the dtype policy {left}"


@pytest.fixture
def set_dtype_policy(_same_start):
    """Return `keras.config.set_dtype_policy`, for as long as a test lasts."""
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Return a function that has a folder filled once for all processes of a session.

    `made_once(name, fill)` calls `fill(folder)` in one of them; the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def make(name, fill):
        folder, done = shared / name, shared / f"{name}.done"
        with open(shared / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def digits_dir(made_once):
    """Return a folder in which the digits are prepared once."""
    from swin_keras.data import load_dataset

    return made_once("digits", lambda folder: load_dataset("digits", data_dir=folder))


@pytest.fixture(scope="session")
def trained_run(digits_dir, made_once):
    """Train a toy on the digits for two epochs; return the run's folder."""
    from swin_keras.training import TrainConfig
    from swin_keras.training.run_folder import RunFolder
    from swin_keras.training.train import train

    def fill(folder):
        config = TrainConfig(
            data_dir=str(digits_dir),
            runs_dir=str(folder),
            name="toy",
            sizes={"embed_dim": 16, "depths": [1, 2], "num_heads": [1, 2]},
            epochs=2,
            jit_compile=False,
        )
        train(config)

    return RunFolder.named(made_once("toy_runs", fill), "toy")


@pytest.fixture(scope="session")
def train_mirrored():
    """Return a function that trains a configuration file on two devices.

    In a process of their own: a processor is divided before it is used. The run is
    called "mirrored". Options are those of the file otherwise.
    """

    def train_on_two(path, **options):
        words = [sys.executable, "-c", MIRRORED, str(path), json.dumps(options)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stderr[-3000:]

    return train_on_two


@pytest.fixture(scope="session")
def exported(trained_run, made_once):
    """Export the toy; return the model's folder."""
    from swin_keras.exporting.config import ExportConfig
    from swin_keras.exporting.export import export

    def fill(folder):
        export(trained_run.path, ExportConfig(saved_models_dir=str(folder)))

    return made_once("toy_exports", fill) / "toy"
