"""Pictures with what a model says of them, in a folder."""

import numpy as np
from PIL import Image

from swin_keras.inference.annotate import Album
from swin_keras.tasks.prediction import MaskPrediction, Prediction


def test_long_names_are_cut_and_none_replaces_another(tmp_path):
    album = Album(tmp_path / "out")
    picture = Image.new("RGB", (40, 30))
    stem = "\u00e4" * 125  # 250 bytes: with ".jpg", the longest name there can be
    said = [
        Prediction(f"a/{stem}.jpg", (("cat", 0.9),)),
        Prediction(f"b/{stem}.png", (("dog", 0.9),)),
        Prediction(f"c/{stem}.mp4", (("dog", 0.9),), time=12.5),
        MaskPrediction.of(f"d/{stem}.jpg", np.zeros((30, 40), "uint8"), ("a",), 1),
    ]
    paths = [album.add(one, picture) for one in said]
    assert len(set(paths)) == 4
    assert paths[2].name.endswith("-00012.500.jpg")
    assert len(list((tmp_path / "out").iterdir())) == 5  # and the mask
    assert all(path.stem.startswith("\u00e4" * 100) for path in paths)
