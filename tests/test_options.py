"""Options are checked where they come in, whoever made the value."""

import dataclasses
import enum
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pytest
import yaml

from swin_keras.cli.parser import make_parser
from swin_keras.errors import UsageError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.model_files import read_card
from swin_keras.options import named, settle_types
from swin_keras.training import TrainConfig


@named
@dataclass(frozen=True)
class Options:
    path: str = "a"
    count: int | None = None
    share: float = 0.5
    size: int | tuple[int, int] | None = None
    stages: tuple[int, ...] = ()
    mode: Literal["fast", "slow"] | int = "fast"
    on: bool = False
    more: dict[str, Any] | None = None

    def __post_init__(self):
        settle_types(self)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", "1", "a whole number. Received: '1'"),
        ("count", 16.0, "a whole number. Received: 16.0"),
        ("count", True, "a whole number"),
        ("share", "much", "a number. Received: 'much'"),
        ("size", (1, 2, 3), "a whole number or a list of 2, each a whole number"),
        ("size", (1, 2.5), "a whole number or a list of 2"),
        ("stages", ["a"], "a list, each a whole number"),
        ("stages", 3, "a list, each a whole number"),
        ("mode", "fats", "fast or slow or a whole number. .* Did you mean 'fast'?"),
        ("on", 1, "true or false"),
        ("more", [1], "a mapping"),
        ("path", 3, "text. Received: 3"),
    ],
)
def test_a_value_of_another_type_is_refused_in_words(name, value, words):
    with pytest.raises(UsageError, match=f"`{name}` must be {words}"):
        Options(**{name: value})


def test_the_command_of_a_run_is_read_as_it_was_meant():
    config = TrainConfig(data="-photos", name="pets", shift=0.25)
    words = shlex.split(config.to_command())[1:]
    given = make_parser().parse_args(words)["train"]
    assert (given["data"], given["name"], given["shift"]) == ("-photos", "pets", 0.25)


def test_the_command_of_an_export_is_read_as_it_was_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inputs = keras.Input((4, 4, 1))
    outputs = keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(inputs))
    keras.Model(inputs, outputs).save("-m.keras")
    for names in (("-cat", "a", "--bird"), ("cat", "b", "bird")):
        config = ExportConfig(names[1], class_names=names, formats=(), verify=False)
        card = read_card(export("-m.keras", config))
        given = make_parser().parse_args(shlex.split(card.command)[1:])["export"]
        assert given["model"] == "./-m.keras"
        fields = [field.name for field in dataclasses.fields(ExportConfig)]
        assert ExportConfig(**{name: given[name] for name in fields}) == config


def test_a_name_that_is_none_gets_the_nearest():
    with pytest.raises(UsageError, match=r"'counts' of Options\. Did you mean 'count'"):
        Options(counts=3)
    with pytest.raises(UsageError, match=r"'epoch' of TrainConfig.*'epochs'"):
        TrainConfig(epoch=3)


class Schedule(enum.StrEnum):
    LINEAR = "linear"


def test_values_become_plain():
    options = Options(
        path=Path("photos"),
        count=np.int64(3),
        share=np.float32(0.5),
        size=[np.int64(1), 2],
        stages=[1, 2],
        more={"depths": [np.int64(2)]},
    )
    assert options == Options("photos", 3, 0.5, (1, 2), (1, 2), more={"depths": [2]})
    assert type(options.count) is int
    config = TrainConfig(epochs=np.int64(3), data=Path("photos"), image_size=[32, 48])
    assert type(TrainConfig(schedule=Schedule.LINEAR).schedule) is str
    assert TrainConfig.from_dict(yaml.safe_load(config.to_yaml())) == config


@pytest.mark.parametrize("name", ["data", "runs_dir", "teacher", "unlabelled"])
def test_a_path_of_a_run_is_text(name):
    message = rf"`{name}` must have another name: 'caf\\udce9' holds bytes that are not"
    with pytest.raises(UsageError, match=message):
        TrainConfig(**{name: os.fsdecode(b"caf\xe9")})


@pytest.mark.parametrize("name", ["/abs", "../../x", "a\nb", "..", ".x", ""])
def test_the_name_of_a_run_is_no_path(name):
    with pytest.raises(UsageError, match="must be one plain name"):
        TrainConfig(name=name)
