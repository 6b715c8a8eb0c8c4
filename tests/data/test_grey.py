"""Grey images of more than 8 bits: one range in every step of a model's life."""

import numpy as np
import pytest
from image_files import encoded, make_folder
from PIL import Image

from swin_keras.data import check_folder, load_dataset, load_image
from swin_keras.data.image_file import ImageError
from swin_keras.data.image_io import decode_image
from swin_keras.data.inspection import look_into
from swin_keras.errors import UsageError

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)  # 12 bits in 16


def save(values, path):
    path.write_bytes(
        encoded(Image.fromarray(values), path.suffix[1:].replace("tif", "tiff"))
    )


@pytest.fixture(params=["png", "tif"])
def root(request, tmp_path):
    make_folder(tmp_path, {"a": 0, "b": 0})
    for folder in "ab":
        for index in range(6):
            values = RAMP[:: 1 if folder == "a" else -1] * 6 // (6 + index)
            save(
                values.astype(np.uint16), tmp_path / folder / f"{index}.{request.param}"
            )
    return tmp_path


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_twelve_bits_become_all_greys_with_their_range(format):
    data = encoded(Image.fromarray(RAMP), format)
    greys = np.asarray(decode_image(data, 1, grey_range=(0, 4095))).ravel()
    np.testing.assert_array_equal(greys, np.rint(np.arange(4096) * (255 / 4095)))
    assert len(np.unique(decode_image(data, 1))) == 16  # what it is without
    np.testing.assert_array_equal(
        load_image(data, (64, 64), 1, grey_range=(0, 4095)).ravel(), greys
    )


def test_values_beyond_the_range_are_clipped():
    data = encoded(
        Image.fromarray(np.array([[0, 100, 150, 200, 9999]], np.uint16)), "PNG"
    )
    greys = np.asarray(decode_image(data, 1, grey_range=(100, 200)))
    assert greys.tolist() == [[0, 0, 128, 255, 255]]


def test_images_of_eight_bits_stay_as_they_are():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    data = encoded(Image.fromarray(values), "PNG")
    greys = np.asarray(decode_image(data, 1, grey_range=(0, 4095)))
    np.testing.assert_array_equal(greys, values)


def test_floating_point_needs_a_range():
    values = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    data = encoded(Image.fromarray(values), "TIFF")
    with pytest.raises(ImageError, match="give `grey_range` when the model is tr"):
        decode_image(data, 1)
    greys = np.asarray(decode_image(data, 1, grey_range=(0, 1)))
    np.testing.assert_array_equal(greys, np.rint(values * 255))


def test_the_check_and_the_notes_tell_the_range_that_is_wanted(root):
    (row,) = check_folder(root).rows("warning")
    advice = (
        'from 0 to 4095, and would become 16 of 256 greys: give --grey-range "[0, 4'
    )
    assert row[1] == "grey range"
    assert f'12 images of 16 bits hold grey values {advice}095]"' in row[3]
    assert any(advice in note for note in load_dataset(root).notes)
    assert check_folder(root, grey_range=(0, 4095)).rows() == []
    assert not any(
        "grey" in note for note in load_dataset(root, grey_range=(0, 4095)).notes
    )


def test_floating_point_files_are_not_ready_and_say_the_range(tmp_path):
    make_folder(tmp_path, {"a": 4, "b": 4})
    values = np.linspace(0, 0.9, 4096, dtype=np.float32).reshape(64, 64)
    save(values, tmp_path / "a" / "float.tif")
    (row,) = check_folder(tmp_path).rows("error")
    assert '0 to 0.9: give --grey-range "[0, 1]"' in row[3]
    assert not check_folder(tmp_path, quick=True).ok
    assert check_folder(tmp_path, grey_range=[0, 1]).ok


def test_a_data_set_reads_with_its_range_in_every_split(root):
    for dataset in (
        load_dataset(root, grey_range=(0, 4095)),
        load_dataset(root, grey_range=(0, 4095), hold_out=False),
    ):
        for split in (*dataset.splits.values(), dataset.split("all")):
            pixels = np.asarray(split.image(0, 1))
            assert len(np.unique(pixels)) > 120


@pytest.mark.parametrize(
    "grey_range", [(5, 5), (9, 1), (1,), 7, ("a", "b"), (0, np.inf)]
)
def test_a_range_must_be_two_numbers_in_order(root, grey_range):
    for call in (load_dataset, check_folder):
        with pytest.raises(UsageError, match="values of black and of white"):
            call(root, grey_range=grey_range)


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_deep_tiff_of_either_byte_order_is_looked_into(tmp_path, mode):
    """ImageJ writes the highest byte first."""
    values = np.array([[0, 1000], [2000, 4000]], ">u2" if mode == "I;16B" else "<u2")
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "a.tif"
        Image.frombytes(mode, (2, 2), values.tobytes()).save(path)
        with Image.open(path) as image:
            assert image.mode == mode
    assert look_into(path).values == (0, 4000)
    assert "grey-range" in str(check_folder(tmp_path))


@pytest.mark.parametrize(("low", "high"), [(0, 10_000_000), (-5, 60_000)])
def test_values_beyond_16_bits_are_said(tmp_path, low, high):
    make_folder(tmp_path, {"a": 0, "b": 0})
    values = np.linspace(low, high, 64 * 64).reshape(64, 64).astype(np.int32)
    for folder in "ab":
        for index in range(4):
            Image.fromarray(values).save(tmp_path / folder / f"{index}.tif")
    (finding,) = [f for f in check_folder(tmp_path).findings if f.kind == "grey range"]
    assert "would be clipped: give --grey-range" in finding.detail
    limit = {10_000_000: "1.67772e+07", 60_000: "65535"}[high]
    assert f"{limit}]" in finding.detail
