"""Words of a command mean the same in every order, and none is empty."""

import re
import shlex

import pytest
import yaml

from swin_keras.cli.parser import make_parser
from swin_keras.training.config import TrainConfig


def parsed(*words):
    options = make_parser().parse_args([str(word) for word in words])
    return options[options.command]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "options.yaml"
    path.write_text("epochs: 7\nseed: 7\n")
    return path


def test_an_option_wins_over_a_file_wherever_it_stands(file, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("seed: 8\n")
    for words in (
        ("--epochs", 1, "--config", file, "photos"),
        ("photos", "--epochs=1", f"--config={file}"),
        ("--config", file, "--epochs", 1, "photos"),
    ):
        options = parsed("train", *words)
        assert (options.epochs, options.seed) == (1, 7)
        assert options.folder == "photos"
    options = parsed("train", "--config", file, "--epochs", 2, "--config", other)
    assert (options.epochs, options.seed) == (2, 8)  # of files, the last


def test_the_words_of_workers_are_left_as_they_are():
    words = ["train", "--epochs", "1", "--config", "x.yaml", "--", "-a"]
    assert parsed("launch", "--workers", 2, "--", *words)["words"] == words


@pytest.mark.parametrize(
    "words",
    [
        "model --top 2 a b --json",
        "--top 2 model a --json b",
        "model a --top=2 --json -- b",
        "--json model --scales 1 a --top 2 b",
        "model --json --top 2 -- a b",
    ],
)
def test_images_may_follow_options(words):
    options = parsed("predict", *words.split())
    assert (options.model, options.images) == ("model", ["a", "b"])
    assert (options.top, options.json, options.scales) == (2, True, [1.0])


def test_so_may_the_other_words_of_a_command():
    assert parsed("benchmark", "a", "--threads", 1, 2, "b")["model"] == ["a", "b"]
    assert parsed("explain", "m", "--at", 0.1, "-0.2", "a")["at"] == [0.1, -0.2]
    assert parsed("explain", "m", "a", "--box", 1, "b")["images"] == ["a", "b"]
    assert parsed("train", "--sizes.depths", "[1, 2]", "a").folder == "a"
    assert parsed("train", "--data", "-my photos").data == "-my photos"
    assert parsed("predict", "m", "-", "--json", "--", "--json").images == [
        "-",
        "--json",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("export --formats onnx runs/x", "`--formats`.* Received: onnx runs/x for it"),
        (
            "export --overwrite --formats x",
            "`--formats`.* Received: x for it, and no model",
        ),
        ("export --class-names a 'b c' m --name n", "`--class-names`.* a 'b c' m for"),
        ("benchmark --json --threads 1 2", "model"),
    ],
)
def test_an_option_that_took_the_model_is_named(words, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        parsed(*shlex.split(words))
    error = capsys.readouterr().err
    assert re.search(said, error)
    assert "--threads" not in error  # which takes numbers only


def test_what_is_no_option_may_stand_behind_two_dashes():
    options = parsed("export", "--formats", "onnx", "--class-names", "a", "--", "m")
    assert (options.model, options.formats) == ("m", ["onnx"])


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["train", ""], "No word of a command"),
        (["train", "--data", ""], "`--data`"),
        (["train", "--runs-dir=", "a"], "`--runs-dir`"),
        (["train", "--epochs", ""], "`--epochs`"),
        (["predict", "model", ""], "No word of a command"),
        (["predict", "model", "--", ""], "No word of a command"),
        (["predict", "model", "a", "--csv", ""], "`--csv`"),
        (["predict", "model", "a", "--save", ""], "`--save`"),
        (["data", "check", ""], "No word of a command"),
        (["data", "check", "a", "--json", ""], "`--json`"),
        (["export", "model", "--class-names", "a", ""], "`--class-names`"),
        (["launch", "--", "train", "--data", ""], "No word of a command"),
    ],
)
def test_an_empty_word_is_not_the_current_folder(words, named, capsys):
    with pytest.raises(SystemExit, match="2"):
        make_parser().parse_args(words)
    said = capsys.readouterr().err
    assert named in said
    assert "be empty. Received: ''. Leave it out, or see whether a variable" in said


def test_nor_is_an_empty_value_of_a_file(tmp_path, capsys):
    path = tmp_path / "options.yaml"
    path.write_text("data: ''\n")
    with pytest.raises(SystemExit, match="2"):
        parsed("train", "--config", path)
    assert "gives data, which must not be empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["null", "~", "yes", "1e3", "2024", "007", "1:30", "[a]", "{a: b}", "&a"]
)
def test_text_is_the_word_that_was_given(text):
    for words in (("--name", text), (f"--name={text}",)):
        assert parsed("export", "run", *words).name == text
        options = parsed("train", *words, "--weights", text, "--data", text)
        assert (options.name, options.weights, options.data) == (text,) * 3
    config = TrainConfig(name=text, weights=text, preset="small", batch_size=8)
    words = shlex.split(config.to_command())[1:]
    assert parsed(*words).weights == text
    assert parsed("train", "--batch-size", "null", "--", "--name=null").name is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [((), ("digits", None)), (("--data", "a: b", "--name", "null"), ("a: b", "null"))],
)
def test_a_configuration_is_printed_with_its_text(words, expected, capsys):
    with pytest.raises(SystemExit, match="0"):
        parsed("train", *words, "--print-config")
    options = yaml.safe_load(capsys.readouterr().out)
    assert (options["data"], options["name"]) == expected
