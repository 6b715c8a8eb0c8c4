"""A `.keras` file that would unpack to far more than it holds is not unpacked."""

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

from swin_keras.errors import ModelFileError
from swin_keras.model_files import load_keras
from swin_keras.model_files.archives import require_bounded


@pytest.fixture
def model_file(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="head")])
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def packed(path, compression, **members):
    """Write a file's members again, some of them changed; return the path."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in (contents | members).items():
            archive.writestr(name, content)
    return path


def weights(**datasets):
    """Return an HDF5 file of `name=(shape, options)` that stores no values."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, (shape, options) in datasets.items():
            file.create_dataset(name, shape, "float32", **options)
    return content.getvalue()


COMPRESSIONS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_an_ordinary_file_is_loaded_however_it_is_packed(model_file, compression):
    image = np.ones((1, 4), "float32")
    expected = load_keras(model_file).predict_on_batch(image)
    found = load_keras(packed(model_file, compression)).predict_on_batch(image)
    np.testing.assert_array_equal(found, expected)


def test_members_that_declare_too_much_are_refused(model_file):
    bomb = {"assets/zeros": bytes(80 << 20)}
    packed(model_file, zipfile.ZIP_DEFLATED, **bomb)
    assert model_file.stat().st_size < 200_000
    with pytest.raises(ModelFileError, match=r"declares 83,8.* bytes and holds"):
        load_keras(model_file)


def test_members_that_unpack_without_a_bound_are_refused(model_file):
    with pytest.raises(ModelFileError, match="packed in another way than by deflate"):
        load_keras(packed(model_file, zipfile.ZIP_BZIP2))


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("options", [{"chunks": True}, {"compression": "gzip"}])
def test_weights_that_declare_too_much_are_refused(model_file, compression, options):
    content = weights(small=((4, 3), {}), large=((1 << 15, 1 << 15), options))
    assert len(content) < 100_000
    packed(model_file, compression, **{"model.weights.h5": content})
    with pytest.raises(
        ModelFileError, match=r"large declares 4,294,967,296 bytes and holds 0"
    ):
        load_keras(model_file)


def test_large_weights_that_are_there_are_not_refused(tmp_path):
    path = tmp_path / "model.keras"
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["kernel"] = np.zeros((20 << 20,), "float32")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", content.getvalue())
    require_bounded(path)


def test_packed_weights_of_several_megabytes_are_loaded(tmp_path):
    path = tmp_path / "model.keras"
    layers = [keras.Input((1200,)), keras.layers.Dense(1200, name="large")]
    keras.Sequential(layers).save(path)  # noise, which hardly shrinks
    assert load_keras(packed(path, zipfile.ZIP_DEFLATED)).count_params() == 1200 * 1201
    assert path.stat().st_size > 5_000_000
