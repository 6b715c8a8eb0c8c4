import subprocess
import sys

import pytest

from swin_keras.data import load_dataset
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
