import math

import numpy as np
import pytest
from toy_runs import EVERYTHING

from swin_keras.training import TrainConfig
from swin_keras.training.preparation import prepare
from swin_keras.training.xla_check import in_words, xla_difference


@pytest.fixture(scope="module")
def job(digits_dir):
    return prepare(TrainConfig(data_dir=str(digits_dir), **EVERYTHING))


@pytest.mark.slow
def test_a_compiled_step_is_compared_with_the_graph(job):
    batch = next(iter(job.training_batches()))
    difference = xla_difference(job.training_model, batch)
    assert 0 <= difference < 1e-4
    assert "within" in in_words(difference)


@pytest.mark.slow
def test_numbers_that_are_none_are_told(job):
    weights = job.model.get_weights()
    job.model.set_weights([np.full_like(weight, np.nan) for weight in weights])
    batch = next(iter(job.training_batches()))
    difference = xla_difference(job.training_model, batch)
    job.model.set_weights(weights)
    assert difference == math.inf
    assert "not finite; use --jit-compile false" in in_words(difference)
    assert "differ by 30%" in in_words(0.3)
