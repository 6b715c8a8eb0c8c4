"""An empty text, as of a variable that is not set, is not the current folder."""

from pathlib import Path

import pytest
from PIL import Image

from swin_keras import Predictor, check_folder, evaluate, export, load_dataset, tune
from swin_keras.errors import UsageError
from swin_keras.files import expanded
from swin_keras.inference.pictures import pictures
from swin_keras.training.run_folder import create_run

DIGITS = Path(__file__).parents[1] / "saved_models" / "digits"


@pytest.mark.parametrize(
    "ask",
    [
        load_dataset,
        check_folder,
        Predictor,
        export,
        tune,
        lambda path: list(pictures(path)),
        lambda path: list(pictures([path])),
        lambda path: evaluate(DIGITS, data=path),
        lambda path: create_run(path, "first", "photos"),
    ],
)
def test_an_empty_path_is_refused(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=r"must be text that is not empty.*Received"):
        ask("")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("path", [None, 5, b"photos", ["photos"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(UsageError, match=r"or a pathlib.Path.*Received"):
        expanded(path)
