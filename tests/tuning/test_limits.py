"""What a model costs is known before it is trained."""

import pytest
from idx_files import write_garments
from toy_studies import TRAIN

from swin_keras.training import TrainConfig
from swin_keras.training.preparation import prepare
from swin_keras.tuning.limits import Limits, measure


@pytest.fixture(scope="module")
def job(digits_dir):
    return prepare(TrainConfig.from_dict(TRAIN | {"data_dir": str(digits_dir)}))


@pytest.mark.slow
def test_costs_are_those_of_the_model_and_of_its_file(job):
    costs = measure(job, Limits(litert_kb=1e3))
    weights = job.model.trainable_weights
    assert costs["parameters"] == sum(weight.numpy().size for weight in weights)
    assert costs["macs"] > 10_000
    bytes_of_weights = 4 * costs["parameters"]
    assert bytes_of_weights < 1e3 * costs["litert_kb"] < 10 * bytes_of_weights
    assert 0.001 < costs["litert_ms"] < 100


@pytest.mark.slow
def test_measuring_leaves_the_weights_alone(job):
    before = [weight.numpy().tobytes() for weight in job.model.weights]
    measure(job, Limits(litert_ms=1e3))
    assert [weight.numpy().tobytes() for weight in job.model.weights] == before


def test_a_model_over_another_limit_is_not_converted(job):
    limits = Limits(parameters=100, litert_kb=1e3)
    costs = measure(job, limits)
    assert set(costs) == {"parameters", "macs"}
    assert limits.broken(costs) == f"{costs['parameters']:,} parameters, limit 100"


def test_a_limit_is_broken_only_above_it():
    limits = Limits(macs=2_000_000, litert_ms=0.5)
    assert limits.broken({"macs": 2_000_000, "litert_ms": 0.5}) == ""
    assert limits.broken({"macs": 2_000_001, "litert_ms": 0.6}) == (
        "2,000,001 multiply-adds, limit 2,000,000; "
        "0.6 ms an image on one thread, limit 0.5"
    )


@pytest.mark.slow
@pytest.mark.parametrize("task", ["detect", "segment"])
def test_files_of_other_tasks_are_measured_as_they_are_exported(tmp_path, task):
    options = TRAIN | {
        "task": task,
        "data": "garments/48",
        "image_size": 48,
        "batch_size": 8,
    }
    options["data_dir"] = str(write_garments(tmp_path))
    options.pop("mixup", None)
    job = prepare(TrainConfig.from_dict(options))
    costs = measure(job, Limits(litert_kb=1e4))
    assert 0 < costs["litert_kb"] < 1e4
    assert costs["litert_ms"] > 0
