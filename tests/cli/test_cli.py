"""The command line: quick help, clear errors, exit codes."""

import csv
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from swin_keras.cli import main
from swin_keras.cli.command_help import HELP
from swin_keras.cli.parser import make_parser
from swin_keras.errors import UsageError
from swin_keras.processes import module_command

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "saved_models" / "digits" / "model.tflite"
LEVELS = ["a: &a [x, x, x, x, x, x, x, x, x]"] + [
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]"
    for below, name in itertools.pairwise("abcdefghi")
]
FILES = {
    "photo.jpg": bytes(range(128, 256)),
    "bomb.yaml": "\n".join([*LEVELS, "sizes: {depths: *i}"]).encode(),
    "loop.yaml": b"sizes: &a {depths: *a}",
    "deep.yaml": b"sizes: " + b"[" * 5000 + b"]" * 5000,
    "large.yaml": b"#" * (2**20 + 1),
    "list.yaml": b"[epochs, 3]",
    "study.yaml": b"train: {epochs: 3}\nspace: {mixup: [0.0, 0.2]}\ntrials: 2\n",
    "key.yaml": b"epoch: 3",
    "p2.out": b"not a model",
}


def run(*arguments):
    """Run a command in this process; return its exit code."""
    try:
        return main([str(word) for word in arguments])
    except SystemExit as stop:
        return stop.code


def test_help_does_not_import_tensorflow():
    code = (
        "import sys; from swin_keras.cli.parser import make_parser; "
        "make_parser().format_help(); "
        "heavy = {'tensorflow', 'keras', 'numpy', 'PIL'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("named", ["digits", "photos"])
def test_two_data_sets_are_not_one(tmp_path, capsys, named):
    (tmp_path / "options.yaml").write_text("data: digits")
    config = ("--config", tmp_path / "options.yaml")
    for words in (("--data", named), (*config, "--data", "mnist")):
        assert run("train", "images", *words) == 2
        assert f"Received: images and --data {words[-1]}." in capsys.readouterr().err
    assert run("train", "images", *config) == 3  # which names its data, not these
    assert "a folder that exists" in capsys.readouterr().err


@pytest.mark.parametrize("command", HELP)
def test_every_command_has_two_examples_that_parse(command):
    _, *examples = HELP[command]
    assert len(examples) == 2
    for example in examples:
        make_parser().parse_args(example.split()[1:])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "--epocs", "5"], 2, "Did you mean '--epochs'"),
        (["train", "--epochs", "five"], 2, "`--epochs` must be a whole number. Rec"),
        (["train", "--batch-size", "x"], 2, "a whole number or auto. Received: x."),
        (["train", "--preset", "finetun"], 2, "Did you mean 'finetune'?"),
        (["train", "--precision", "float1"], 2, "be float32 or mixed_bfloat16 or"),
        (["launch", "train", "--name", "x"], 2, "the workers' own comes after --"),
        (["train", "--grey-range", "0,4095"], 2, "two numbers such as [0, 4095]. Rec"),
        (["train", "--image-size", "3,4"], 2, "a whole number or two such as [48, 32]"),
        (["train", "--epochs", "0"], 2, "`epochs` must be positive"),
        (["train", "--seed", "4294967296"], 2, "`seed` must be below 4294967296"),
        (["trian"], 2, "invalid choice: 'trian'"),
        (["info", "swin_tinny"], 2, "Did you mean 'swin_tiny'"),
        (["train", "--data", "./nowhere"], 3, "must be a folder that exists"),
        (["train", "--sizes.depth", "[2]"], 2, "Did you mean 'depths'"),
        (["tune", "nothing.yaml"], 2, "nothing.yaml: No such file"),
        (["tune", "x.yaml", "--max-trial", "3"], 2, "Did you mean '--max-trials'"),
        (["evaluate", "nothing.keras"], 4, "There is no model nothing.keras"),
        (["predict", "nothing.tflite", "a.png"], 4, "There is no model"),
        (["export", "runs/none"], 4, "There is no model runs/none"),
        (["data", "check", "nowhere"], 3, "There is no folder nowhere"),
        (["trian"], 2, "Did you mean 'train'?"),
        (["train", "nowhere/"], 3, "or the name of a data set. Received: nowhere/"),
        (["train", "a/", "--data", "b/"], 2, "Received: a/ and --data b/"),
        (["train", "--lr", "fast"], 2, "`--learning-rate` must be a number or auto"),
        (["train", "--precision", "float16"], 2, "Did you mean 'mixed_float16'?"),
        (
            ["train", "--sizes", "{window_size: }", "--dry-run"],
            2,
            "window_size",
        ),
        (
            ["train", "--sizes", "{depths: [a, a, a]}", "--dry-run"],
            2,
            "must be whole numbers",
        ),
        (["train", "--config", "photo.jpg"], 2, "photo.jpg: it is not text"),
        (["train", "--config", "bomb.yaml"], 2, "aliases stand for too many values"),
        (["train", "--config", "loop.yaml"], 2, "aliases stand for too many"),
        (["train", "--config", "deep.yaml"], 2, "deep.yaml: it is nested too"),
        (["train", "--config", "large.yaml"], 2, "under 1 MiB"),
        (["train", "--config", "list.yaml"], 2, "holds list where options belong"),
        (["train", "--config", "study.yaml"], 2, "swin-keras tune study.yaml"),
        (["train", "--config", "key.yaml"], 2, "epoch, which is no option. Did you me"),
        (["predict", str(DIGITS), "*.png"], 3, "no file whose name matches *.png"),
        (["predict", str(DIGITS), "9.txt", "--save", "."], 2, "must be new or empty"),
        (["predict", "p2", "a.png"], 4, "There is no model p2.\n"),
        (
            ["benchmark", str(DIGITS), "--threads", "100000"],
            2,
            "at most 1024. Received",
        ),
        (["evaluate", str(DIGITS), "--split", "tset"], 2, "Did you mean 'test'?"),
    ],
)
def test_mistakes_get_one_sentence_and_their_exit_code(
    arguments, code, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    assert run(*arguments) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_predict_prints_json_and_names_bad_images(trained_run, tmp_path, capsys):
    good = next(trained_run.samples.rglob("*.png"))
    bad = tmp_path / "bad.png"
    bad.touch()
    code = run("predict", trained_run.path, good, bad, "--json", "--top", 2)
    output = capsys.readouterr()
    first, second = json.loads(output.out)
    assert code == 3
    assert len(first["scores"]) == 2
    assert second["error"]
    assert str(bad) in output.err


def test_evaluate_prints_json(trained_run, capsys):
    assert run("evaluate", trained_run.path, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["images"] == 359
    assert len(result["classes"]) == 10


def test_info_shows_stages_parameters_and_multiply_adds(capsys, trained_run):
    assert run("info", "swin_tiny") == 0
    table = capsys.readouterr().out
    for figure in ("56 x 56 x 96", "28,288,354", "4,490.57"):
        assert figure in table
    assert run("info", trained_run.path) == 0
    assert "10 classes" in capsys.readouterr().out
    assert run("info") == 0
    assert "swin_base_384" in capsys.readouterr().out


def test_extract_then_check_a_folder(tmp_path, digits_dir, capsys):
    folder, report = tmp_path / "digits", tmp_path / "report.json"
    options = ["--count", 60, "--data-dir", digits_dir]
    assert run("data", "extract", "digits", folder, *options) == 0
    assert run("data", "check", folder, "--json", report) == 0
    assert json.loads(report.read_text())["ok"]
    (folder / "3" / "broken.png").write_bytes(b"")
    assert run("data", "check", folder) == 3
    assert "broken.png" in capsys.readouterr().out


def test_words_with_a_number_sign_are_no_comments(tmp_path):
    words = ["train", "--name", "#3", "--weights", "run #2", "--data", "#photos"]
    options = make_parser().parse_args(words).train
    assert (options.name, options.weights, options.data) == ("#3", "run #2", "#photos")
    path = tmp_path / "config.yaml"
    path.write_text("# of the second try\nname: two # not three\nweights: null\n")
    options = make_parser().parse_args(["train", "--config", str(path)]).train
    assert (options.name, options.weights) == ("two", None)


def test_a_number_where_text_must_be_is_told(tmp_path, capsys):
    path = tmp_path / "config.yaml"
    path.write_text("name: 2024\n")
    assert run("train", "--config", path) == 2
    said = capsys.readouterr().err
    assert "`--name` must be text. Received: 2024" in said
    assert "Union" not in said


def test_a_configuration_file_is_read_and_options_win(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("epochs: 7\nsizes: {depths: [1, 1]}\n")
    options = make_parser().parse_args(
        ["train", "--config", str(path), "--seed", "3", "--image-size", "[24, 32]"]
    )
    assert options.train.epochs == 7
    assert options.train.seed == 3
    assert options.train.sizes == {"depths": [1, 1]}
    assert options.train.image_size == (24, 32)


def test_a_checkpoint_is_converted_and_described(tmp_path, capsys):
    """A folder for transformers, made from a Keras file, then read back."""
    from swin_keras.applications import SwinTiny

    sizes = {"embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2), "window_size": 4}
    model = SwinTiny(classes=3, input_shape=(32, 32, 3), **sizes)
    model.save(tmp_path / "model.keras")
    folder, again = tmp_path / "huggingface", tmp_path / "again.keras"
    source = tmp_path / "model.keras"
    assert run("convert", source, folder, "--to", "huggingface") == 0
    assert run("info", folder) == 0
    assert "huggingface" in capsys.readouterr().out
    assert run("convert", folder, again) == 0
    assert run("convert", folder, again) == 2
    assert "exists already" in capsys.readouterr().err
    none = tmp_path / "none.keras", "--classes", 0, "--new-head", "true"
    assert run("convert", folder, *none) == 2
    assert "at least 1. Received: 0." in capsys.readouterr().err
    new = "--sizes", "{resize: nearest}"
    assert run("convert", folder, tmp_path / "new.keras", *new) == 2
    assert "no size 'resize'" in capsys.readouterr().err
    (folder / "config.json").unlink()
    (folder / "card.json").unlink()
    assert run("info", folder) == 0
    assert "huggingface" in capsys.readouterr().out


def test_the_results_of_a_study_are_options(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"winner": "1", "train": {"epochs": 4, "data": "a"}}))
    options = make_parser().parse_args(["train", "b/", "--config", str(path)])
    assert options.train.epochs == 4
    assert options.train.folder == "b/"


@pytest.mark.parametrize("words", [["photos/"], ["--data", "photos/"]])
def test_data_may_be_named_either_way(words, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr("swin_keras.training.dry_run.dry_run", seen.append)
    assert run("train", *words, "--lr", "0.5", "--dry-run") == 0
    assert (seen[0].data, seen[0].learning_rate) == ("photos/", 0.5)


def test_wildcards_stand_for_files_and_pictures_are_saved_with_their_class(
    tmp_path, capsys
):
    samples = ROOT / "tests" / "samples"
    words = ["predict", DIGITS, samples / "[0-2].p*", samples / "1.png"]
    more = ["--json", "--csv", tmp_path / "a.csv"]
    assert run(*words, "--save", tmp_path / "album", *more) == 0
    answers = json.loads(capsys.readouterr().out)
    assert [Path(answer["path"]).name for answer in answers] == [
        "0.png",
        "1.png",
        "2.png",
        "1.png",
    ]
    saved = sorted(path.name for path in (tmp_path / "album").iterdir())
    assert saved == ["0.jpg", "1-2.jpg", "1.jpg", "2.jpg"]
    named = [str(tmp_path / "album" / f"{name}.jpg") for name in ("0", "1", "2", "1-2")]
    assert [answer["saved"] for answer in answers] == named
    rows = csv.DictReader((tmp_path / "a.csv").read_text().splitlines())
    assert [row["saved"] for row in rows] == named
    with Image.open(tmp_path / "album" / "0.jpg") as picture:
        assert picture.width >= 160  # room for the words
        assert picture.height > 8
        assert picture.getextrema()[0][1] > 200  # white letters


def test_what_comes_next_can_be_pasted(capsys):
    from swin_keras.cli.console import command

    assert command("export", Path("my runs/it's")) == (
        """swin-keras export 'my runs/it'"'"'s'"""
    )


def test_who_asks_to_train_on_another_backend_is_told():
    done = subprocess.run(
        module_command("swin_keras.cli", "train", "--epochs", "0"),
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    first, *_ = done.stderr.splitlines()
    assert "KERAS_BACKEND=jax is passed over" in first


@pytest.mark.parametrize(
    "how", ["environment", pytest.param("keras.json", marks=pytest.mark.slow)]
)
def test_the_command_line_runs_on_tensorflow_and_stays_quiet(
    how, tmp_path, trained_run
):
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL"):
        environment.pop(name, None)
    if how == "environment":
        environment["KERAS_BACKEND"] = "jax"
    else:
        (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    sample = ROOT / "tests" / "samples" / "3.png"
    done = subprocess.run(
        module_command("swin_keras.cli", "predict", trained_run.path, sample),
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "3.png" in done.stdout


def test_another_backend_that_is_in_use_is_refused_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    assert run("info", "swin_tiny") == 2
    assert "Received: jax, which is in use in this process" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(tmp_path, capsys):
    for colour in ("blue", "red"):
        (tmp_path / colour).mkdir()
        for number in range(3):
            Image.new("RGB", (16, 16), colour).save(tmp_path / colour / f"{number}.png")
    words = ["data", "check", tmp_path, "--json", tmp_path / "none" / "report.json"]
    assert run(*words) == 2
    assert "none/report.json" in capsys.readouterr().err
    with pytest.raises(UsageError, match="a folder that exists"):
        run("--debug", *words)


def test_scales_of_a_whole_picture_ask_for_sliding_windows(tmp_path, capsys):
    assert run("predict", "saved_models/digits", tmp_path, "--scales", "0.5", "1") == 2
    assert "Look with --window slide." in capsys.readouterr().err


def test_messages_for_python_name_options_of_the_command_line():
    from swin_keras.cli.main import _as_options

    for text, shown in (
        ("leave them out with on_bad='skip'.", "leave them out with --on-bad skip."),
        ("Read it with targets='masks'.", "Read it with --task segment."),
        ("several, with multi_label=True", "several, with --multi-label"),
    ):
        assert _as_options(text) == shown


def test_words_after_two_dashes_stay_as_they_are():
    words = ["predict", "model", "--", "--my-photo.jpg"]
    assert make_parser().parse_args(words).predict.images == ["--my-photo.jpg"]


def test_a_terminal_without_a_letter_and_a_reader_that_leaves_are_no_errors(tmp_path):
    picture = tmp_path / "é.png"
    picture.write_bytes((ROOT / "tests" / "samples" / "3.png").read_bytes())
    words = module_command("swin_keras.cli", "predict", DIGITS, picture)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xe9.png" in done.stdout
    reader, writer = os.pipe()
    os.close(reader)
    words = module_command("swin_keras.cli", "info")
    done = subprocess.run(words, env=environment, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_run_that_was_moved_resumes_where_it_stands(tmp_path, monkeypatch):
    """Else it would begin anew at its old place, or its original would go on."""
    seen = []
    monkeypatch.setattr("swin_keras.training.dry_run.dry_run", seen.append)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "moved" / "pets-2"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text("{name: pets, runs_dir: runs, epochs: 3}")
    words = ["train", "--config", folder / "config.yaml", "--dry-run"]
    assert run(*words, "--resume") == 0
    assert run(*words) == 0  # another run with these options
    assert run(*words, "--resume", "--name", "new") == 0
    places = [(config.runs_dir, config.name) for config in seen]
    assert places == [(str(folder.parent), "pets-2"), ("runs", "pets"), ("runs", "new")]
    (tmp_path / "runs").mkdir()
    folder.rename(tmp_path / "runs" / "pets")
    assert (
        run("train", "--config", "runs/pets/config.yaml", "--resume", *words[3:]) == 0
    )
    assert (seen[-1].runs_dir, seen[-1].name) == ("runs", "pets")
