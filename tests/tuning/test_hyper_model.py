"""SwinHyperModel under tuners of KerasTuner itself."""

import dataclasses
import json
from pathlib import Path

import keras_tuner
import pytest
from toy_studies import TRAIN

from swin_keras.errors import UsageError
from swin_keras.training import TrainConfig
from swin_keras.training.train import train
from swin_keras.tuning.hyper_model import SwinHyperModel

SPACE = {"learning_rate": [1e-3, 3e-3]}


@pytest.fixture
def config(digits_dir, tmp_path):
    options = TRAIN | {"epochs": 2, "tensorboard": False}
    return TrainConfig.from_dict(
        options | {"data_dir": str(digits_dir), "runs_dir": str(tmp_path / "runs")}
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:currentThread:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:getName:DeprecationWarning")
def test_a_tuner_of_kerastuner_trains_as_the_command_does(config, tmp_path):
    tuner = keras_tuner.RandomSearch(
        SwinHyperModel(SPACE, config),
        "val_accuracy",
        max_trials=2,
        seed=1,
        directory=tmp_path / "kerastuner",
    )
    tuner.search(verbose=0)
    (best,) = tuner.oracle.get_best_trials()
    assert best.status == "COMPLETED"
    rates = {"learning_rate": best.hyperparameters.values["learning_rate"]}
    again = train(dataclasses.replace(config, **rates))
    metrics = json.loads(again.card.read_text())["metrics"]
    assert best.score == metrics["val_accuracy"]
    assert len(list((tmp_path / "runs").iterdir())) == 3
    assert tuner.get_best_models()[0].count_params()


@pytest.mark.slow
def test_part_of_the_epochs_is_trained_on_the_schedule_of_all(config):
    hyper_model = SwinHyperModel(SPACE, config)
    hp = keras_tuner.HyperParameters()
    model = hyper_model.build(hp)
    hyper_model.fit(hp, model, epochs=1)
    (metrics,) = Path(config.runs_dir).glob("*/metrics.csv")
    assert len(metrics.read_text().splitlines()) == 2  # names, and one epoch
    with pytest.raises(UsageError, match="has made last"):
        hyper_model.fit(hp, None)


@pytest.mark.parametrize("option", ["batch_size", "learning_rate"])
def test_numbers_that_are_found_anew_are_refused_in_words(option):
    with pytest.raises(UsageError, match=f"the same {option}, which cannot be 'auto'"):
        SwinHyperModel(SPACE, TrainConfig(**{option: "auto"}))


def test_a_name_that_every_trial_would_have_is_refused():
    with pytest.raises(UsageError, match="Each trial is a run with a name of its own"):
        SwinHyperModel({"mixup": [0.0, 0.2]}, TrainConfig(name="x"))


@pytest.mark.filterwarnings("ignore:currentThread:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:getName:DeprecationWarning")
def test_a_tuner_that_wants_more_epochs_than_there_are_is_told(config, tmp_path):
    """And ends at once, where KerasTuner would try the next values."""
    tuner = keras_tuner.Hyperband(
        SwinHyperModel(SPACE, dataclasses.replace(config, epochs=1)),
        "val_accuracy",
        max_epochs=10,
        directory=tmp_path / "kerastuner",
    )
    with pytest.raises(UsageError, match=r"from the tuner, and 1 in the configuration"):
        tuner.search(verbose=0)
    assert not list(Path(config.runs_dir).glob("*"))
