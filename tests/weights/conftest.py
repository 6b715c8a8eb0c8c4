"""Weights are compared with other projects' in true float32, on a GPU too."""

import pytest

from swin_keras.inference.precision import true_float32


@pytest.fixture(autouse=True)
def _true_float32():
    with true_float32():
        yield
