"""Tensors of torchvision's FCOS; `golden/make_fcos.py` makes them."""

from pathlib import Path

import numpy as np
import pytest

collect_ignore = ["golden/make_fcos.py"]  # needs torch


@pytest.fixture(scope="session")
def fcos():
    """Return what torchvision was given and what it gave, by name."""
    with np.load(Path(__file__).parent / "golden" / "fcos.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def truth(fcos):
    """Return the boxes of both pictures as a batch, padded: the second has none."""
    boxes = np.full((2, 12, 5), -1, "float32")
    # Padding comes first as well: its place must not matter.
    boxes[0, 2:11, :4] = fcos["boxes"]
    boxes[0, 2:11, 4] = fcos["classes"]
    return boxes
