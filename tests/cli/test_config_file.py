"""Text in a file of options stays the text that it is."""

import dataclasses
import json

import pytest

from swin_keras.cli.fit import _where_it_stands
from swin_keras.cli.parser import make_parser
from swin_keras.training.config import TrainConfig

LIKE_VALUES = ["null", "~", "12", "1e3", "true", "on", "1:30", "&a", "[1, 2]", "{a: b}"]


def through_the_command(path) -> TrainConfig:
    options = make_parser().parse_args(["train", "--config", str(path)]).train
    return TrainConfig.from_dict(
        {field.name: options[field.name] for field in dataclasses.fields(TrainConfig)}
    )


@pytest.mark.parametrize("text", LIKE_VALUES)
def test_text_that_yaml_knows_as_another_value_is_kept(tmp_path, text):
    config = TrainConfig(
        name=text,
        data=text,
        data_dir=text,
        weights=text,
        head=text,
        label_pattern=text,
        teacher=text,
        teacher_cache=text,
        sizes={"a": text},
        head_sizes={"a": [text, {"b": text}]},
        lost={text: [text, text, 3]},
    )
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml())
    found = through_the_command(path)
    assert found == config
    assert found.to_yaml() == config.to_yaml()


@pytest.mark.parametrize("text", LIKE_VALUES)
def test_so_is_text_in_the_results_of_a_study(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"train": {"data": text, "weights": text}}))
    found = through_the_command(path)
    assert (found.data, found.weights) == (text, text)


def test_what_is_no_text_keeps_its_type(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("name: 2024-01-01\nbatch_size: '16'\nweights: null\nepochs: 3\n")
    found = through_the_command(path)
    assert (found.name, found.batch_size) == ("2024-01-01", 16)
    assert (found.weights, found.epochs) == (None, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("folder: photos", "gives folder, which is no option. Did you mean 'data'?"),
        ("lr: 0.1", "gives lr, which is no option. Did you mean 'learning_rate'?"),
        ("flip: 'yes'", "`--flip` must be true or false. Received: yes."),
        ("auxiliary: 'yes'", "`--auxiliary` must be true or false. Received: yes."),
        ("epochs: ' '", "`--epochs` must be a whole number. Received: ''."),
        ("train_images: many", "`--train-images` must be a whole number. Received: m"),
        ("sizes: small", "`--sizes` must be a mapping such as {depths: [2, 2]}. Rec"),
        ("restarts: few", "`--restarts` must be a list such as [10, 20]. Received: f"),
    ],
)
def test_a_mistake_in_a_file_is_told_in_words(tmp_path, content, said, capsys):
    path = tmp_path / "config.yaml"
    path.write_text(content)
    with pytest.raises(SystemExit, match="2"):
        through_the_command(path)
    error = capsys.readouterr().err
    assert said in error
    assert "class" not in error


def test_an_option_without_a_value_is_not_given(tmp_path):
    path = tmp_path / "config.yaml"
    for content in ("epochs:", "{epochs, name}", "epochs: # as usual"):
        path.write_text(content)
        assert through_the_command(path) == TrainConfig()


def test_a_run_that_is_called_null_is_found_where_it_stands(tmp_path):
    run = tmp_path / "moved" / "null"
    (run / "checkpoints").mkdir(parents=True)
    path = run / "config.yaml"
    path.write_text(TrainConfig(name="null", runs_dir=str(tmp_path)).to_yaml())
    found = through_the_command(path)
    assert _where_it_stands([path], vars(found)) == {
        "name": "null",
        "runs_dir": str(tmp_path / "moved"),
    }


def test_what_print_config_prints_is_read_again(tmp_path, capsys):
    words = ["--epochs", "3", "--sizes", "{depths: [1, 1]}", "--name", "null"]
    with pytest.raises(SystemExit) as end:
        make_parser().parse_args(["train", *words, "--print-config"])
    assert not end.value.code
    path = tmp_path / "printed.yaml"
    path.write_text(capsys.readouterr().out)
    found = through_the_command(path)
    assert found == TrainConfig(epochs=3, sizes={"depths": [1, 1]}, name="null")
