import subprocess
import sys

import pytest
from image_files import make_folder

from swin_keras.data import load_dataset, load_trained
from swin_keras.errors import UsageError


def test_reading_images_needs_no_tensorflow(tmp_path):
    code = (
        "import sys, swin_keras.data\n"
        "heavy = {'tensorflow', 'keras', 'tensorflow_datasets', 'sklearn'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("val_fraction", [0, 0.5, 10])
def test_a_share_beyond_its_range_is_refused(tmp_path, val_fraction):
    with pytest.raises(UsageError, match=r"between 0 and 0\.5"):
        load_dataset(tmp_path, val_fraction=val_fraction)


def test_the_data_of_a_run_come_back_as_the_run_had_them(tmp_path):
    make_folder(tmp_path, {"a": 20, "b": 20})
    (tmp_path / "a" / "bad.png").write_bytes(b"")
    options = {"seed": 3, "test_fraction": 0.2, "on_bad": "skip"}
    dataset = load_dataset(tmp_path, **options)
    train = {**options, "data": str(tmp_path), "epochs": 7}
    assert load_trained(train).fingerprint() == dataset.fingerprint()
    assert len(load_trained(train, hold_out=False).split("all")) == 40
