"""The scripts in `benchmarks/` run from beginning to end, at toy size."""

import json
import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a script and returns what it wrote."""

    def run_script(name, *words):
        path = tmp_path / "report.json"
        monkeypatch.syspath_prepend(str(FOLDER))
        words = [*words, "--json", str(path)]
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        runpy.run_path(str(FOLDER / name), run_name="__main__")
        return json.loads(path.read_text())

    return run_script


def test_each_way_of_reading_images_has_a_rate(run):
    words = ("--sizes", "80x60", "--images", 32, "--rounds", 1)
    rates = run("input_pipeline.py", *words)["80x60"]["per_core"]
    assert {"decode_jpeg alone", "preset small", "preset published"} <= set(rates)
    assert min(rates.values()) > 0


def test_waiting_is_a_share_of_the_training_step(run):
    words = ("--cases", "digits", "fashion_mnist", "--steps", 2, "--no-xla")
    report = run("waiting.py", *words)
    assert list(report) == ["digits"]  # no files of Fashion-MNIST were given
    assert 0 <= report["digits"]["waiting"] <= 1


def test_scaling_compares_sizes_and_shifts(run):
    words = ("--model", "swin_nano", "--sizes", 32, 64, "--batch", 1, "--rounds", 1)
    rows = run("scaling.py", *words, "--ways", "graph")["milliseconds"]["graph"]
    assert set(rows) == {"32", "64"}
    assert set(rows["64"]) == {"shifted", "unshifted"}


def test_startup_times_commands(run):
    report = run("startup.py", "--only", "swin-keras --help", "--rounds", 1)
    (seconds,) = report["seconds"]["swin-keras --help"]
    assert 0 < seconds < 60


@pytest.mark.parametrize(
    "framework", ["jax", "torch", pytest.param("tensorflow", marks=pytest.mark.slow)]
)
def test_the_gpu_benchmark_runs_without_a_gpu(run, framework):
    pytest.importorskip(framework)
    names = {
        "jax": ["swin-keras on JAX"],
        "torch": ["swin-keras on torch"],
        "tensorflow": ["swin-keras, XLA", "swin-keras, XLA, 2 devices"],
    }[framework]
    words = ("--variant", "swin_nano", "--batch", 2, "--rounds", 1, "--only", *names)
    rows = run("gpu.py", *words)["rows"]
    modes = {"tensorflow": ["inference", "training", "training"]}
    assert [row["mode"] for row in rows] == modes.get(
        framework, ["inference", "training"]
    )
    assert all(row["share"] > 0 for row in rows)


@pytest.mark.slow
def test_the_commands_of_a_gpu_run_without_one(run):
    report = run("gpu_commands.py", "--toy", "--photos", 128)
    names = {"first", "second", "digits", "true-0", "true-1", "false-0", "false-1"}
    assert set(report) == names
    assert all(row["images_per_second"] > 0 for row in report.values())


@pytest.mark.slow
def test_explanations_are_judged_by_method(run):
    words = ("--scenes", 256, "--epochs", 2, "--images", 3)
    report = run("explain.py", *words)
    assert 0 < report["area"] < 0.3
    assert len(report["methods"]) == 5
    for row in report["methods"].values():
        assert 0 <= row["energy"] <= 1
        assert 0 < row["deletion"] < 1
    blind = report["methods"]["rollout"]["like itself"]
    assert blind["head"] == pytest.approx(1)  # it does not ask the head
    assert blind["everything"] < 1
