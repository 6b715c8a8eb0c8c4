"""A toy study that ran to its end without any disturbance."""

import subprocess
import sys

import pytest
from toy_studies import LIMITED, TRAIN, folder_of, write_study


@pytest.fixture(scope="session")
def start(digits_dir):
    """Return a function that starts `swin-keras tune` on a study's file."""

    def start_study(path, *options):
        words = [sys.executable, "-m", "swin_keras.cli", "tune", str(path), *options]
        said = path.with_suffix(".txt")
        with said.open("a") as file:
            process = subprocess.Popen(
                [*words, "--data-dir", str(digits_dir)], stdout=file, stderr=file
            )
        process.said = said.read_text
        return process

    return start_study


@pytest.fixture(scope="session")
def finished(start, tmp_path_factory):
    """Return the file of a short study: one of its models is too large."""
    short = TRAIN | {"epochs": 1, "train_images": 128}
    folder = tmp_path_factory.mktemp("short")
    path = write_study(folder, **LIMITED | {"seed": 2}, train=short, trials=2)
    process = start(path)
    assert process.wait(400) == 0, process.said()
    assert len(folder_of(path).trials()) == 2
    return path


@pytest.fixture(scope="session")
def undisturbed(start, tmp_path_factory):
    """Return the file of a study that has run: one of its models is too large."""
    path = write_study(tmp_path_factory.mktemp("undisturbed"), **LIMITED)
    process = start(path)
    assert process.wait(400) == 0, process.said()
    assert len(folder_of(path).trials()) == 3
    return path
