"""The command line: quick help, clear errors, exit codes."""

import json
import subprocess
import sys

import pytest

from swin_keras.cli import main
from swin_keras.command_help import HELP
from swin_keras.parser import make_parser


def run(*arguments):
    """Run a command in this process; return its exit code."""
    try:
        return main([str(word) for word in arguments])
    except SystemExit as stop:
        return stop.code


def test_help_does_not_import_tensorflow():
    code = (
        "import sys; from swin_keras.parser import make_parser; "
        "make_parser().format_help(); "
        "heavy = {'tensorflow', 'keras', 'numpy', 'PIL'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


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
        (["train", "--epochs", "0"], 2, "`epochs` must be positive"),
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
    ],
)
def test_mistakes_get_one_sentence_and_their_exit_code(
    arguments, code, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
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
    from swin_keras.models import SwinTiny

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
