"""The scripts in `benchmarks/` run from beginning to end, at toy size."""

import argparse
import importlib
import json
import runpy
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from idx_files import write_garments
from PIL import Image

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


@pytest.mark.slow
def test_waiting_is_a_share_of_the_training_step(run):
    words = ("--cases", "digits", "fashion_mnist", "--steps", 2, "--no-xla")
    report = run("waiting.py", *words)
    assert list(report) == ["digits"]  # no files of Fashion-MNIST were given
    assert 0 <= report["digits"]["waiting"] <= 1


@pytest.mark.slow
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
    "framework",
    [
        pytest.param("jax", marks=pytest.mark.slow),
        "torch",
        pytest.param("tensorflow", marks=pytest.mark.slow),
    ],
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


RUNNER = """
import os, sys, time
sys.path.insert(0, {folder!r})
from race import answer_turns

def make():
    name, begun = sys.argv[1], []
    if name == "late":
        time.sleep(60)
    if name == "broken":
        raise RuntimeError("no memory for it")

    def step():
        begun.append(1)
        if len(begun) == 2 and name == "fails":
            raise RuntimeError("out of memory")
        if len(begun) == 2 and name == "dies":
            os._exit(3)
    return step, {{"told": os.environ.get("TOLD", "")}}

answer_turns(make)
"""


@pytest.fixture
def racing(monkeypatch, tmp_path):
    """Return the module of races, and a script of contenders of all kinds."""
    monkeypatch.syspath_prepend(str(FOLDER))
    script = tmp_path / "runner.py"
    script.write_text(RUNNER.format(folder=str(FOLDER)))
    return importlib.import_module("race"), script


def test_a_contender_that_ends_loses_its_race_alone(racing, capfd):
    race, script = racing
    names = ["broken", "fails", "dies", "runs"]
    rows = {row["name"]: row for row in race.race(script, names, 4, 3)}
    assert {name: row["turns"] for name, row in rows.items()} == {
        "fails": 1,
        "dies": 1,
        "runs": 3,
    }
    assert "ended" not in rows["runs"]
    said = capfd.readouterr().out
    assert "broken is left out: it ended: RuntimeError: no memory for it" in said
    assert "fails: it ended: RuntimeError: out of memory" in said
    assert "dies: it ended: exit code 3" in said


def test_a_race_is_over_in_time_and_says_what_was_left_out(racing, capfd):
    race, script = racing
    noted = []
    deadline = time.monotonic() + 10
    names = ["runs", "late", "never begun"]
    more = {"deadline": deadline, "note": noted.append}
    (row,) = race.race(script, names, 4, 10**6, **more)
    assert time.monotonic() < deadline + 5
    assert noted[-1] == row
    assert noted[0]["turns"] == 1
    said = capfd.readouterr().out
    assert "late is left out: no time is left" in said
    assert "never begun is left out: no time is left" in said


def test_a_contender_has_variables_of_its_own(racing):
    race, script = racing
    own = {"runs": {"TOLD": "a secret"}}
    rows = race.race(script, ["runs", "plain"], 4, 1, environments=own)
    assert {row["name"]: row["told"] for row in rows} == {
        "runs": "a secret",
        "plain": "",
    }


def test_tensorflow_alone_gets_its_own_folders(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    gpu = importlib.import_module("gpu")
    monkeypatch.setenv("PYTHONPATH", "/common")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    options = argparse.Namespace(
        tensorflow_path="/tf:/keras", tensorflow_libraries="/cuda"
    )
    environments = gpu.environments_of(options)
    assert set(environments) == {
        "swin-keras, XLA",
        "swin-keras, graph",
        "swin-keras, XLA, 2 devices",
    }
    assert environments["swin-keras, graph"] == {
        "PYTHONPATH": "/tf:/keras:/common",
        "LD_LIBRARY_PATH": "/cuda",
    }


@pytest.mark.parametrize("name", ["swin-keras, XLA", "swin-keras on JAX", "timm"])
def test_memory_is_asked_of_the_framework_that_runs_and_ends_nothing(
    monkeypatch, capsys, name
):
    monkeypatch.syspath_prepend(str(FOLDER))
    contenders = importlib.import_module("gpu_contenders")
    asked = []

    def ask(framework):
        asked.append(framework)
        raise RuntimeError("it does not tell")

    for framework in contenders.MEMORY:
        monkeypatch.setitem(
            contenders.MEMORY, framework, lambda framework=framework: ask(framework)
        )
    monkeypatch.setattr(contenders, "NVIDIA", True)
    assert contenders.device_memory(name) == {}
    assert asked == [contenders.framework_of(name)]
    assert "it does not tell" in capsys.readouterr().err


@pytest.mark.slow
def test_dense_files_are_compared_with_their_products_alone(run):
    words = ("--side", 64, "--sizes", 8, 3, "--seconds", 0.2, "--threads", 1)
    models = run("dense_mobile.py", *words)["models"]
    assert list(models) == ["mlp", "upernet", "light detector"]
    assert all(row["products_ms"] > 0 for row in models.values())
    assert "in 1" in models["mlp"]["graph"]  # piece of XNNPACK's


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "kind"),
    [("classify", "soft"), ("segment", "features"), ("detect", "features")],
)
def test_students_are_compared_with_and_without_a_teacher(
    run, tmp_path, capsys, task, kind
):
    folder = write_garments(tmp_path, train=200)  # scenes of them fill a batch
    words = ("--data-dir", folder, "--epochs", 1, "--seeds", 1)
    report = run("distillation.py", *words, "--task", task, "--kinds", kind)
    assert set(report) == {"labels", kind}
    said = capsys.readouterr().out
    assert "points on average" in said
    assert said.count("MB, ") == 4


@pytest.mark.slow
def test_a_study_of_distillation_that_was_ended_shows_its_exports_again(
    trained_run, tmp_path, monkeypatch, capsys
):
    monkeypatch.syspath_prepend(str(FOLDER))
    distillation = importlib.import_module("distillation")
    for _ in range(2):
        distillation.show_exports(trained_run.path, trained_run.path, tmp_path)
    assert capsys.readouterr().out.count("MB, ") == 2 * 4


def test_shaken_models_have_no_weight_at_zero(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    shaking = importlib.import_module("shaking")
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3)(inputs)
    x = keras.layers.LayerNormalization()(x)
    model = shaking.shake(keras.Model(inputs, keras.layers.Dense(2)(x)))
    assert all((weight != 0).all() for weight in model.get_weights())


@pytest.mark.slow
def test_segmenters_learn_for_as_long_as_they_may(run, tmp_path):
    words = ("--data-dir", write_garments(tmp_path), "--minutes", 0.001)
    rows = run("segmenters.py", *words, "--only", "Swin all-MLP", "--optimizer", "muon")
    (row,) = rows.values()
    assert row["optimizer"] == "muon"
    assert 0 <= row["mIoU"] <= 1
    assert row["steps"] >= 1
    assert row["milliseconds"] > 0


@pytest.mark.slow
def test_detectors_learn_for_as_long_as_they_may(run, tmp_path):
    words = ("--data-dir", write_garments(tmp_path), "--minutes", 0.001)
    rows = run("detectors.py", *words, "--only", "Swin")
    (row,) = rows.values()
    assert 0 <= row["mAP"] <= row["AP50"] <= 1
    assert row["steps"] >= 1
    assert row["milliseconds"] > 0


@pytest.mark.slow
def test_the_commands_of_a_gpu_run_without_one(run, tmp_path):
    words = ("--toy", "--photos", 128, "--epochs", 3, "--scratch", tmp_path / "kept")
    first = run("gpu_commands.py", *words, "--only", "pipeline", "first")
    assert first["first"]["of_pipeline"] > 0
    others = ("second", "digits", "deterministic", "export", "fashion-mnist")
    report = run("gpu_commands.py", *words, "--only", *others)
    assert {name: report[name] for name in first} == first  # of the call before
    runs = [report[name] for name in ("first", "second", "digits")]
    runs += [report["deterministic"][f"true-{number}"] for number in range(2)]
    for row in runs:
        assert row["images_per_second"] >= row["with_validation"] > 0
        assert 0 < row["first_step"] < row["seconds"]
    assert report["deterministic"]["true: largest difference"] == 0
    assert report["export"]["checks"]
    assert report["fashion-mnist"] is None  # no folder of its files was given


@pytest.fixture
def commands(monkeypatch):
    """Return the module that measures the commands of a GPU."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("gpu_commands")


def test_rates_are_the_log_s_own_without_the_first_epochs(commands, tmp_path):
    lines = [
        "2026-11-30 11:00:01,000 epoch 1/4  step 1/10  loss 0.5000  ETA 1:00",
        "2026-11-30 11:00:09,000 epoch 1/4  loss 0.5000  12 images/s  ETA 1:00",
        "2026-11-30 11:00:11,000 epoch 2/4  loss 0.4000  900 images/s  ETA 0:04",
        "2026-11-30 11:00:13,000 epoch 3/4  loss 0.3000  100 images/s  ETA 0:02",
        "2026-11-30 11:00:15,000 epoch 4/4  loss 0.2000  120 images/s  ETA 0:00",
        "2026-11-30 11:00:16,000 kept epoch 4 of 4",
    ]
    (tmp_path / "log.txt").write_text("\n".join(lines))
    (tmp_path / "metrics.csv").write_text("epoch,seconds\n0,9\n1,11\n2,13\n3,15\n")
    card = {"train": {"batch_size": 16}, "data": {"images": {"train": 170}}}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert commands.rates_of(tmp_path) == {
        "images_per_second": 110,
        "with_validation": 80,
        "rates": [12, 900, 100, 120],
    }


def test_the_card_counts_as_busy_only_while_later_epochs_train(commands):
    looks = [(1, 0), (11, 5), (12, 90), (13, 100), (14.5, 0), (21, 80), (30, 0)]
    epochs = [[0, 5], [10.8, 14], [20, 22]]
    assert commands.utilisation(looks, epochs) == {"busy": 90, "looks": 3}
    assert commands.utilisation([], epochs) == {}


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put a program of this name, which knows two figures, before all others."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        "  *utilization.gpu) echo 97 ;;\n"
        "  *name) echo NVIDIA H200 ;;\n"
        "  *) exit 6 ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return program


def test_the_card_has_a_name_and_is_looked_at(commands, nvidia_smi):
    assert commands.card() == "NVIDIA H200"
    with commands.looks_at_card() as looks:
        for _ in range(100):
            time.sleep(0.1)
            if len(looks) > 1:
                break
    assert {share for _, share in looks} == {97}
    with pytest.raises(OSError, match="nvidia-smi"):
        importlib.import_module("timing").ask_card("clocks")
    nvidia_smi.write_text("#!/bin/sh\nexit 9\n")
    assert commands.card().startswith("no GPU")


def test_a_part_that_fails_is_told_and_the_next_one_measured(
    commands, tmp_path, monkeypatch
):
    def fails(*given):
        raise OSError("no such card")

    path = tmp_path / "report.json"
    parts = {"digits": fails, "export": lambda *given: {"seconds": 1.0}}
    for name, part in parts.items():
        monkeypatch.setitem(commands.PARTS, name, part)
    words = ["gpu_commands.py", "--only", *parts, "--json", str(path)]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # put back after the test
    with pytest.raises(SystemExit, match="failed: digits"):
        commands.main()
    report = json.loads(path.read_text())
    assert report["digits"] == {"error": "OSError: no such card"}
    assert report["export"] == {"seconds": 1.0}


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


@pytest.fixture
def aerial(monkeypatch):
    """Return the module that reads aerial photos."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("aerial_photos")


def write_forest(folder, names):
    """Write photos of white trees on black in the form of deepforest's.

    Returns:
        How many trees each photo has.
    """
    counts = []
    for seed, name in enumerate(names):
        rng = np.random.default_rng(seed)
        height, width = (160, 96) if not seed else (40, 52)
        pixels, objects = np.zeros((height, width, 3), np.uint8), ""
        corners = rng.integers(1, (width - 12, height - 12), (4 + 20 * (not seed), 2))
        for x, y in np.unique(corners, axis=0):
            across, down = rng.integers(8, 12, 2)
            pixels[y - 1 : y - 1 + down, x - 1 : x - 1 + across] = 255
            sides = {"xmin": x, "ymin": y, "xmax": x + across - 1, "ymax": y + down - 1}
            box = "".join(f"<{k}>{v}</{k}>" for k, v in sides.items())
            objects += f"<object><name>Tree</name><bndbox>{box}</bndbox></object>"
        Image.fromarray(pixels).save(folder / f"{name}.png")
        (folder / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.tif</filename>{objects}</annotation>"
        )
        counts.append(objects.count("<object>"))
    return counts


def test_each_tree_is_whole_in_a_tile_and_where_its_box_says(aerial, tmp_path):
    names = list(aerial.PHOTOS.values())
    (trees, *_) = write_forest(tmp_path, names)
    photo = aerial.read_photo(tmp_path, names[0], tmp_path / "alone")
    assert len(photo.boxes) == trees > 15
    tiles = photo.tiles(32, 16)
    assert len(tiles) == 5 * 9
    whole = set()
    for place, tile in enumerate(tiles):
        corner = np.tile((place % 5 * 16, place // 5 * 16), 2)
        pixels = np.asarray(tile.image)
        for box, is_cut in zip(tile.boxes.astype(int), tile.is_cut, strict=True):
            x1, y1, x2, y2 = box
            assert (pixels[y1:y2, x1:x2] == 255).all()
            if not is_cut:
                whole.add(tuple(box + corner))
    assert {tuple(box) for box in photo.boxes.astype(int)} <= whole
    assert any(tile.is_cut.any() for tile in tiles)


@pytest.mark.slow
def test_trees_are_learned_on_one_photo_and_found_on_others(run, aerial, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    _, *trees = write_forest(folder, aerial.PHOTOS.values())
    sizes = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
    head = {"channels": 8, "convolutions": 1, "extra_levels": 0}
    words = ("--tile", 32, "--epochs", 1, "--batch-size", 32, "--folder", tmp_path)
    words += ("--sizes", json.dumps(sizes), "--head-sizes", json.dumps(head))
    report = run("trees.py", "--data-dir", folder, *words)
    assert report["tiles"] == {"train": 5 * 7, "val": 3}
    assert list(report["photos"]) == ["same forest", "other forest", "third forest"]
    for row, count in zip(report["photos"].values(), trees, strict=True):
        assert row["trees"] == count
        assert row["sharpness"] > 0  # white trees on black
        for how in ("once", "views", "warm", "cold"):
            assert 0 <= row[how]["AP50"] <= 1
            assert 0 <= row[how]["AP50 with suppression"] <= 1
    (kept,) = tmp_path.glob("trees-*")
    assert (kept / "runs" / "tiles-1" / "best.keras").is_file()
    again = run("trees.py", "--data-dir", folder, "--run", kept / "runs" / "tiles-1")
    for title, row in again["photos"].items():
        assert row["views"]["AP50"] == report["photos"][title]["views"]["AP50"]
    assert "epochs" not in again  # nothing was learned


def test_missing_photos_are_asked_for(run, tmp_path):
    with pytest.raises(SystemExit, match="pip download --no-deps deepforest"):
        run("trees.py", "--data-dir", tmp_path)


@pytest.mark.slow
def test_nuclei_of_one_half_are_learned_and_of_the_other_found(run, tmp_path):
    rows, columns = np.mgrid[:512, :512]
    mask = (rows % 64 // 32) & (columns % 64 // 32)
    for name, values in (("img2d", 40 + 160 * mask), ("mask2d", mask)):
        Image.fromarray(values.astype("uint16")).save(tmp_path / f"{name}.tif")
    sizes = {"patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
    words = ("--epochs", 1, "--sizes", json.dumps(sizes), "--folder", tmp_path / "work")
    report = run("nuclei.py", "--data-dir", tmp_path, *words)
    assert list(report["IoU"]) == ["best.keras", "model.tflite", "model_int8.tflite"]
    assert all(0 <= value <= 1 for value in report["IoU"].values())
    (work,) = (tmp_path / "work").iterdir()
    for title, count in {
        "tiles/train": 10 * 5,
        "tiles/val": 2,
        "right/test": 1,
    }.items():
        assert len(list((work / title / "images").iterdir())) == count


@pytest.fixture
def tuxpaint(tmp_path):
    """Write 30 stamps and 10 photos of one colour each, with a pattern in it."""
    rng = np.random.default_rng(0)
    for folder in ("stamps/animals", "stamps/cartoon", "templates"):
        (tmp_path / folder).mkdir(parents=True)
    for number in range(30):
        pixels = rng.integers(100, 256, (80, 80, 4), np.uint8)
        pixels[..., 3] = 0
        pixels[10:70, 20:60, 3] = 255
        Image.fromarray(pixels).save(tmp_path / f"stamps/animals/{number}.png")
        Image.fromarray(pixels).save(tmp_path / f"stamps/cartoon/{number}.png")
    glass = np.concatenate([pixels[..., :3], pixels[..., 3:] // 4], -1)
    Image.fromarray(glass).save(tmp_path / "stamps/animals/glass.png")
    Image.fromarray(pixels[..., :3]).save(tmp_path / "stamps/animals/square.png")
    for number in range(10):
        Image.new("RGB", (150, 140), (number, 0, 0)).save(
            tmp_path / f"templates/{number}.jpg", quality=95
        )
    return tmp_path


@pytest.mark.slow
def test_a_scene_has_things_where_its_mask_says(tuxpaint, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    cutouts = importlib.import_module("cutouts")
    stamps, photos = cutouts.read_stamps(tuxpaint), cutouts.read_photos(tuxpaint)
    assert [stamp.size for stamp in stamps] == [(40, 60)] * 30
    rng = np.random.default_rng(0)
    parts = cutouts.divided(stamps, rng)
    assert [len(part) for part in parts.values()] == [21, 3, 6]
    assert len({id(stamp) for part in parts.values() for stamp in part}) == 30
    for _ in range(20):
        picture, mask = cutouts.scene(stamps, photos, rng)
        assert picture.shape == (128, 128, 3)
        assert 0 < mask.mean() < 1
        assert (picture[mask == 1][:, 1] > 60).all()
        assert (picture[mask == 0][:, 1] < 60).mean() > 0.9


@pytest.mark.slow
def test_things_are_learned_and_others_found(run, tuxpaint):
    sizes = {"patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
    words = ("--scenes", 32, "--epochs", 1, "--sizes", json.dumps(sizes))
    report = run("cutouts.py", "--data-dir", tuxpaint, "--unseen-photos", *words)
    assert report["stamps"] == {"train": 21, "val": 3, "test": 6}
    assert report["photos"] == {"train": 7, "val": 1, "test": 2}
    assert list(report["IoU"]) == ["best.keras", "model.tflite", "model_int8.tflite"]


@pytest.mark.parametrize(
    ("script", "how"),
    [("nuclei.py", "pip download --no-deps stardist"), ("cutouts.py", "apt-get")],
)
def test_missing_pictures_are_asked_for(run, tmp_path, script, how):
    with pytest.raises(SystemExit, match=how):
        run(script, "--data-dir", tmp_path)


@pytest.mark.slow
def test_two_ways_of_layer_normalization_are_timed(run):
    report = run("normalization.py", "--rounds", 1)
    assert set(report["milliseconds"]) == {
        f"{name}, {mode}" for name in ("own", "Keras") for mode in ("graph", "XLA")
    }
    assert min(report["milliseconds"].values()) > 0
