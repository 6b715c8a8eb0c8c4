import json
import os
import shutil
import subprocess
import sys

import pytest

from swin_keras.training.compile_cache import INDEX, CompileCache, default_folder
from swin_keras.training.xla_flags import WITHOUT_TRITON

RUN = """
import sys
from pathlib import Path
from swin_keras.training.compile_cache import CompileCache
import tensorflow as tf
with CompileCache(True, Path(sys.argv[1])):
    function = tf.function(lambda x: tf.nn.gelu(x) @ x, jit_compile=True)
    print(float(tf.reduce_sum(function(tf.eye(8)))))
    if "die" in sys.argv:
        import os
        os._exit(1)
"""


def run(folder, *words):
    words = [sys.executable, "-c", RUN, str(folder), *words]
    environment = {**os.environ, "TF_XLA_FLAGS": ""}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    return float(done.stdout)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled")
    return folder, run(folder)


@pytest.fixture
def compiled(filled, tmp_path):
    """A folder that a run has filled, the file in it, and what the run printed."""
    folder, printed = filled
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (path,) = CompileCache(True, tmp_path).files()
    return tmp_path, path, printed


@pytest.mark.slow
def test_a_second_run_takes_what_the_first_compiled(compiled):
    folder, path, printed = compiled
    before = path.stat().st_mtime_ns
    assert run(folder) == printed
    assert CompileCache(True, folder).files() == [path]
    assert path.stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [lambda d: d[: len(d) // 2], lambda d: d[:-9] + b"x"]
)
def test_a_damaged_file_is_compiled_again(compiled, damage):
    folder, path, printed = compiled
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert run(folder) == printed
    assert len(path.read_bytes()) == len(whole)


@pytest.mark.slow
def test_what_a_killed_run_left_is_not_trusted(tmp_path):
    printed = run(tmp_path, "die")
    (path,) = CompileCache(True, tmp_path).files()
    before = path.stat().st_mtime_ns
    assert not (tmp_path / INDEX).exists()
    assert run(tmp_path) == printed
    assert path.stat().st_mtime_ns != before


@pytest.mark.parametrize("index", ["", "{", "[1]", '{"a.pb": 3}', "\udcff"])
def test_a_broken_index_is_an_empty_one(tmp_path, index):
    (tmp_path / INDEX).write_bytes(index.encode("utf-8", "surrogateescape"))
    (tmp_path / "a.pb").write_bytes(b"?")
    CompileCache(True, tmp_path).clean()
    assert CompileCache(True, tmp_path).files() == []


def test_the_oldest_of_too_many_go(tmp_path, monkeypatch):
    monkeypatch.setattr("swin_keras.training.compile_cache.MAX_BYTES", 25)
    cache = CompileCache(True, tmp_path)
    for number in range(4):
        path = tmp_path / f"{number}.pb"
        path.write_bytes(bytes(10))
        os.utime(path, (number, number))
    cache.note()
    cache.clean()
    assert [path.name for path in cache.files()] == ["3.pb", "2.pb"]
    cache.note()
    assert set(json.loads((tmp_path / INDEX).read_text())) == {"3.pb", "2.pb"}


def test_what_a_running_process_has_compiled_is_left_to_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    with CompileCache(True, tmp_path):
        (tmp_path / "of_the_first.pb").write_bytes(b"not noted yet")
        with CompileCache(True, tmp_path):
            assert (tmp_path / "of_the_first.pb").exists()
    (tmp_path / "of_a_killed_one.pb").write_bytes(b"never noted")
    with CompileCache(True, tmp_path):
        assert [path.name for path in tmp_path.glob("*.pb")] == ["of_the_first.pb"]


def test_flags_of_the_user_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_persistent_cache_directory=/elsewhere")
    with CompileCache(True, tmp_path / "new"):
        assert os.environ["TF_XLA_FLAGS"].endswith("=/elsewhere")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    (tmp_path / "file").write_text("")
    with CompileCache(True, tmp_path / "file" / "cache"):
        assert os.environ["TF_XLA_FLAGS"] == ""


def test_each_machine_has_a_folder_below_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    here = default_folder()
    assert tmp_path in here.parents
    monkeypatch.setattr("swin_keras.training.compile_cache._cpu", lambda: "another")
    assert default_folder() != here


def test_without_being_asked_only_what_a_gpu_runs_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    with CompileCache(False, tmp_path):
        assert os.environ["TF_XLA_FLAGS"].endswith("_device_types=GPU")


@pytest.mark.slow
def test_training_keeps_what_it_compiles(digits_dir, tmp_path, monkeypatch):
    """In processes: TensorFlow reads its flags once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.setenv("XLA_FLAGS", WITHOUT_TRITON)  # as training sets it
    sizes = '{"embed_dim": 8, "depths": [1], "num_heads": [1]}'
    words = ["--data-dir", str(digits_dir), "--sizes", sizes, "--epochs", "1"]
    words += ["--compile-cache", "true", "--runs-dir", str(tmp_path), "--name"]

    def train(name, *more):
        command = [sys.executable, "-m", "swin_keras.cli", "train", *words, name, *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stderr
        files = {p.name: p.stat().st_mtime_ns for p in CompileCache(True).files()}
        if "--dry-run" in more:
            return files
        rows = (tmp_path / name / "metrics.csv").read_text().splitlines()
        return files, [row.rsplit(",", 1)[0] for row in rows]

    # TensorFlow numbers what it traces: a dry run prepares the data, the others find
    # them, and one that resumes opens a checkpoint before.
    tried = train("first", "--dry-run")
    assert tried
    compiled, figures = train("first")
    assert compiled.items() >= tried.items()
    assert train("second") == (compiled, figures)
    words[words.index("--epochs") + 1] = "2"
    words.insert(0, "--resume")
    assert train("second")[0] == compiled
