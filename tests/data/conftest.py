"""The digits, read once for all tests of the data."""

import pytest

from swin_keras.data import load_dataset


@pytest.fixture(scope="session")
def digits(digits_dir):
    return load_dataset("digits", data_dir=digits_dir)
