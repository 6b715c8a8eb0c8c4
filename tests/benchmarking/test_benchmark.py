"""`swin-keras benchmark` times every form, names what it cannot run."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import swin_keras
from swin_keras.benchmarking import timing as timings
from swin_keras.benchmarking.benchmark import forms
from swin_keras.benchmarking.worker import take_turns
from swin_keras.cli import main
from swin_keras.errors import ModelFileError, ResourceError, UsageError

COLUMNS = ("p95 ms", "images/s", "memory MB", "FULLY_CONNECTED", "share")
FORMS = [
    "model.keras",
    "1",
    "model.tflite",
    "model_fp16.tflite",
    "model_int8.tflite",
]


def run(*arguments):
    try:
        return main(["benchmark", *map(str, arguments), "--seconds", "0.1"])
    except SystemExit as stop:
        return stop.code


@pytest.mark.slow
def test_every_form_is_timed_on_one_thread_and_two(exported, tmp_path, capsys):
    picture = tmp_path / "speed.png"
    assert run(exported, "--threads", 1, 2, "--json", "--picture", picture) == 0
    result = json.loads(capsys.readouterr().out)
    rows = {
        (row["path"].split("/")[-1], row["threads"]): row for row in result["timings"]
    }
    assert set(rows) == {(form, threads) for form in FORMS for threads in (1, 2)}
    for row in rows.values():
        assert 0 < row["min_ms"] <= row["median_ms"] <= row["p95_ms"]
        assert row["images_per_second"] == pytest.approx(1e3 / row["median_ms"])
        assert row["runs"] >= 5
        assert row["load_ms"] > 0
        assert row["memory_mb"] >= 0
    assert len(result["profiles"]) == 3
    for profile in result["profiles"].values():
        count, seconds = profile["FULLY_CONNECTED"]
        assert count > 10
        assert seconds > 0
    with Image.open(picture) as drawn:
        assert min(drawn.size) > 300
        assert len(drawn.convert("RGB").getcolors(1 << 24)) > 50


@pytest.mark.slow
def test_two_files_are_compared_in_both_directions(exported, capsys):
    one, other = exported / "model.tflite", exported / "model_int8.tflite"
    assert run(one, "--vs", other, "--threads", 1) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "threads 1:" in said
    assert f"{one.parent.name}/model.tflite takes" in said
    assert f"x the time of {one.parent.name}/model_int8.tflite" in said
    for column in COLUMNS:
        assert column in said


def test_folders_are_compared_form_by_form(exported, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.tflite").write_bytes((exported / "model.tflite").read_bytes())
    (other / "model_int8_static.tflite").write_bytes(b"")
    with pytest.raises(UsageError, match="two files, or files of the same name"):
        _compare(exported / "model_int8.tflite", other)
    (other / "model_int8_static.tflite").unlink()
    pairs = _compare(exported, other)
    assert pairs == [(exported / "model.tflite", other / "model.tflite")]


def test_a_comparison_is_in_the_json_too(exported, capsys):
    one, other = exported / "model.tflite", exported / "model_fp16.tflite"
    assert run(one, "--vs", other, "--threads", 1, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    (compared,) = found["comparisons"]
    ours, theirs = (timing["min_ms"] for timing in found["timings"])
    assert compared["times_as_long"] == pytest.approx(ours / theirs, rel=0.01)
    assert (compared["path"], compared["vs"]) == (str(one), str(other))
    assert compared["threads"] == 1


def _compare(model, other):
    from swin_keras.cli.benchmark import _pairs

    return _pairs([str(model)], str(other))


def test_python_has_the_same_call(exported):
    result = swin_keras.benchmark(exported / "model.tflite", threads=1, seconds=0.1)
    assert isinstance(result, swin_keras.Benchmark)
    (timing,) = result.timings
    assert timing.threads == 1
    assert timing.minimum <= timing.median <= timing.p95
    assert result.to_dict()["timings"][0]["path"] == str(exported / "model.tflite")


def test_what_loading_takes_does_not_depend_on_who_comes_first(exported, tmp_path):
    """A second file in the same process would find the memory of the first."""
    first = exported / "model.tflite"
    second = tmp_path / "model.tflite"
    second.write_bytes(first.read_bytes())
    result = swin_keras.benchmark(first, second, threads=(1,), seconds=0.1)
    one, other = (timing.memory for timing in result.timings)
    assert one == pytest.approx(other, rel=0.3)
    assert all(timing.load_seconds > 0 for timing in result.timings)


@pytest.mark.parametrize(
    "form", ["model.keras", pytest.param("saved_model/1", marks=pytest.mark.slow)]
)
def test_threads_count_for_tensorflow_too(exported, form):
    code = (
        "import sys, pathlib; from swin_keras.benchmarking.worker import open_to_time; "
        "run, images = open_to_time(pathlib.Path(sys.argv[1]), 1); run(images); "
        "from tensorflow.config import threading; "
        "print(threading.get_intra_op_parallelism_threads(), "
        "threading.get_inter_op_parallelism_threads())"
    )
    words = [sys.executable, "-c", code, exported / form]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "1 1"


def test_a_process_that_the_system_ended_is_said_to_be(monkeypatch):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    words = [sys.executable, "-c", code]
    monkeypatch.setattr(timings, "module_command", lambda *_: words)
    with pytest.raises(ResourceError, match=r"a\.tflite was ended by SIGKILL.*memory"):
        timings.measure("worker", (), ["a.tflite"])


@pytest.mark.parametrize(
    "options", [{"threads": (0,)}, {"threads": ()}, {"seconds": 0}, {}]
)
def test_a_benchmark_of_nothing_is_refused(exported, options):
    models = [exported / "model.tflite"] if options else []
    with pytest.raises(UsageError, match=r"needs a model, `threads` of at least 1"):
        swin_keras.benchmark(*models, **options)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="There is no model"):
        swin_keras.benchmark(tmp_path / "none.tflite")
    with pytest.raises(ModelFileError, match=r"must hold a run's best\.keras"):
        swin_keras.benchmark(tmp_path)


def test_of_the_versions_in_a_folder_the_newest_is_timed(tmp_path, monkeypatch):
    """As TensorFlow Serving takes it; a folder may begin at one's home."""
    folder = tmp_path / "saved_model"
    for version in ("9", "10"):
        (folder / version).mkdir(parents=True)
        (folder / version / "saved_model.pb").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in (folder, str(folder / "10"), "~/saved_model"):
        assert forms(given) == [folder / "10"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.tflite"], 4, "There is no model none.tflite"),
        (["damaged.tflite"], 4, "must be one that this machine can run"),
        (["model.tflite", "--vs", "none.tflite"], 4, "There is no model none.tflite"),
        (["model.tflite", "--threads", "0"], 2, "`threads` of at least 1"),
        (
            ["model.tflite", "--threads", "many"],
            2,
            "must be a whole number. Received: many",
        ),
        (
            ["model.tflite", "--threads", "1", "--picture", "none/x.png"],
            2,
            "must be written to a folder that exists",
        ),
        (
            ["model.tflite", "--threads", "1", "--picture", "damaged.tflite"],
            2,
            "damaged.tflite exists already",
        ),
        (
            ["model.tflite", "--threads", "1", "--picture", "x.speed"],
            2,
            "`--picture` must end in .",
        ),
    ],
)
def test_mistakes_get_one_sentence(
    exported, tmp_path, monkeypatch, capsys, arguments, code, message
):
    content = (exported / "model.tflite").read_bytes()
    (tmp_path / "model.tflite").write_bytes(content)
    (tmp_path / "damaged.tflite").write_bytes(content[:5000])
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == code
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_files_for_several_images_are_timed_for_each_of_them():
    now = [0.0]

    def run(images):
        now[0] += 2.0

    models = [(run, np.zeros((count, 2, 2, 1))) for count in (1, 8)]
    one, eight = take_turns(models, 0.0, clock=lambda: now[0])
    assert set(one) == {2.0}
    assert set(eight) == {0.25}


def test_two_files_of_one_name_are_compared_and_told_apart(exported, tmp_path, capsys):
    one, other = exported / "model.tflite", tmp_path / "old" / exported.name
    other.mkdir(parents=True)
    (other / "model.tflite").write_bytes(one.read_bytes())
    assert run(one, "--vs", other, "--threads", 1) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "threads 1:" in said
    assert f"{exported.name}/model.tflite takes" in said
    assert f"x the time of old/{exported.name}/model.tflite" in said
    for column in COLUMNS:
        assert column in said
