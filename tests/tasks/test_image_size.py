"""The size that pictures with masks or boxes are trained at, where nobody names one."""

import numpy as np
import pytest
from PIL import Image

from swin_keras.data import load_dataset
from swin_keras.tasks import task_named


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ([(64, 64)] * 6, (64, 64)),
        ([(94, 70), (90, 80), (96, 70), (90, 66), (92, 75), (88, 70)], (96, 96)),
        ([(900, 600)] * 6, (352, 512)),  # as wide as they are, for their height
        ([(300, 900)] * 6, (512, 192)),
        ([(2000, 8)] * 6, (32, 512)),
    ],
)
def test_it_is_what_is_usual_of_them_to_512(tmp_path, sides, expected):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for number, side in enumerate(sides):
        picture = Image.new("RGB", side, (number * 9, 0, 0))
        picture.save(tmp_path / "images" / f"{number}.png")
        mask = np.zeros(side[::-1], np.uint8)
        mask[:4] = 1
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    dataset = load_dataset(tmp_path, targets="masks")
    assert task_named("segment").image_size(dataset, (224, 224)) == expected
