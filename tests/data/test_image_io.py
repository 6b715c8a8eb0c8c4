import contextlib
import os
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from image_files import encoded, noise, png_that_declares, quadrants
from PIL import ExifTags, Image

from swin_keras.data.decoding_memory import Budget
from swin_keras.data.image_file import (
    MAX_SIDE,
    ImageError,
    open_image,
    without_pillow_warnings,
)
from swin_keras.data.image_io import (
    as_mode,
    centre_box,
    decode_image,
    load_image,
    prepare_image,
    scaling_message,
    upright,
)
from swin_keras.errors import UsageError

UNDO = {  # orientation -> how a camera that records it has turned the picture
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", UNDO)
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_all_eight_exif_orientations_give_the_same_picture(orientation, format):
    picture = quadrants()
    turn = UNDO[orientation]
    stored = picture if turn is None else picture.transpose(turn)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encoded(stored, format, exif=exif)
    decoded = np.asarray(decode_image(data)).astype(int)
    np.testing.assert_allclose(
        decoded[8::16, 8::16], np.asarray(picture)[8::16, 8::16], atol=6
    )


def test_an_orientation_beyond_eight_is_taken_as_upright():
    picture = noise(0)
    assert upright(picture, 9) is picture


@pytest.mark.parametrize("format", ["PNG", "BMP", "GIF", "WEBP", "TIFF"])
def test_lossless_formats_keep_every_pixel(format):
    picture = quadrants()
    options = {"lossless": True} if format == "WEBP" else {}
    decoded = decode_image(encoded(picture, format, **options))
    np.testing.assert_array_equal(np.asarray(decoded), np.asarray(picture))


def test_cmyk_jpeg_becomes_rgb():
    decoded = decode_image(encoded(quadrants().convert("CMYK"), "JPEG", quality=95))
    pixels = np.asarray(decoded)
    assert pixels.shape == (64, 64, 3)
    np.testing.assert_allclose(pixels[8, 8], (255, 0, 0), atol=6)


def test_sixteen_bit_png_keeps_its_upper_byte():
    values = np.arange(0, 65_536, 256, dtype=np.uint16).reshape(16, 16)
    data = encoded(Image.fromarray(values), "PNG")
    np.testing.assert_array_equal(np.asarray(decode_image(data, 1)), values >> 8)
    assert np.asarray(decode_image(data, 3)).shape == (16, 16, 3)


def test_thirty_two_bit_values_are_clipped_to_sixteen_bits():
    values = np.array([[-5, 256, 65_535, 70_000]], np.int32)
    pixels = np.asarray(as_mode(Image.fromarray(values), "L"))
    assert pixels.tolist() == [[0, 1, 255, 255]]


def test_palette_with_transparency_does_not_warn():
    palette = quadrants().quantize(4)
    data = encoded(palette, "PNG", transparency=bytes([0, 128, 255, 255]))
    pixels = np.asarray(decode_image(data))
    np.testing.assert_array_equal(pixels, np.asarray(quadrants()))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "1", "L"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_what_was_asked_for(mode, channels):
    data = encoded(quadrants().convert(mode), "PNG")
    assert decode_image(data, channels).mode == {1: "L", 3: "RGB"}[channels]


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.asarray(decode_image(data))[0, 0].tolist() == [255, 0, 0]


def test_path_and_bytes_give_the_same_pixels(tmp_path):
    path = tmp_path / "picture.jpg"
    noise(0, (50, 40)).save(path)
    for source in (str(path), path.read_bytes()):
        np.testing.assert_array_equal(
            load_image(source, (16, 16)), load_image(path, (16, 16))
        )


def test_an_unusable_file_is_named_with_the_reason(tmp_path):
    picture = encoded(noise(0, (200, 200)), "JPEG")
    for content, reason in {
        b"": "empty, 0 bytes",
        b"not a picture at all": "not an image that can be read",
        picture[: len(picture) // 2]: "truncated or damaged",
        encoded(noise(0), "PNG")[:300]: "truncated or damaged",
        encoded(noise(0), "ICO"): "not an image that can be read",
        png_that_declares(30_000, 30_000): "too large, its header declares",
        png_that_declares(10_000, 9_000): "10000 x 9000 pixels",
        png_that_declares(MAX_SIDE + 1, 10): "30001 x 10 pixels",
    }.items():
        path = tmp_path / "picture.jpg"
        path.write_bytes(content)
        with without_pillow_warnings(), pytest.raises(ImageError) as error:
            decode_image(path)
        assert str(path) in str(error.value)
        assert reason in error.value.reason


@pytest.mark.parametrize(
    "format", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "AVIF"]
)
def test_damaged_bytes_are_an_image_or_a_clear_error(format):
    rng = np.random.default_rng(0)
    whole = np.frombuffer(encoded(noise(0, (40, 30)), format), np.uint8)
    read = 0
    with without_pillow_warnings():
        for _ in range(200):
            damaged = whole.copy()
            places = rng.integers(0, len(whole), rng.integers(1, 20))
            damaged[places] = rng.integers(0, 256, len(places))
            with contextlib.suppress(ImageError):  # any other error fails
                decode_image(damaged[: rng.integers(1, 2 * len(whole))].tobytes())
                read += 1
    # Checksums of a PNG tell every change.
    assert not read if format == "PNG" else 0 < read < 200


def test_a_warning_of_pillow_about_sizes_becomes_the_same_error():
    with pytest.raises(ImageError, match="too large"):  # warnings are errors here
        open_image(png_that_declares(10_000, 9_000)).__enter__()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ImageError, match=r"nowhere\.png: no such file"):
        decode_image(tmp_path / "nowhere.png")


def test_other_numbers_of_channels_are_refused():
    with pytest.raises(UsageError, match=r"must be 3 .* or 1 .* channels=4"):
        decode_image(encoded(noise(0), "PNG"), channels=4)


def test_damaged_exif_is_ignored():
    data = encoded(noise(0), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    with without_pillow_warnings():
        assert decode_image(data).size == (40, 36)


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (7, 311), (224, 224)])
@pytest.mark.parametrize("target", [(224, 224), (96, 128), (5, 3)])
@pytest.mark.parametrize("fraction", [1.0, 0.875])
def test_centre_box_has_the_aspect_of_the_target_and_fits(size, target, fraction):
    left, top, right, bottom = centre_box(size, target, fraction)
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]
    assert left + right == pytest.approx(size[0])
    assert top + bottom == pytest.approx(size[1])
    ratio = (right - left) / (bottom - top)
    assert ratio == pytest.approx(target[1] / target[0], rel=1e-6)
    touching = max((right - left) / size[0], (bottom - top) / size[1])
    assert touching == pytest.approx(fraction)


def test_an_image_of_the_right_size_is_not_touched():
    picture = noise(0, (32, 28))
    np.testing.assert_array_equal(prepare_image(picture, (28, 32)), np.asarray(picture))


def test_a_large_jpeg_is_decoded_smaller_but_looks_the_same():
    pixels = np.linspace(0, 255, 1200).astype(np.uint8)
    picture = Image.fromarray(pixels[:1000, None] // 2 + pixels[None, :] // 2)
    data = encoded(picture, "JPEG", quality=95)
    assert decode_image(data, at_least=125).size == (150, 125)
    assert decode_image(data, at_least=126).size == (300, 250)
    small = load_image(data, (64, 64), channels=1)
    whole = prepare_image(decode_image(data, 1), (64, 64))
    np.testing.assert_allclose(small.astype(int), whole, atol=2)


def test_shrinking_does_not_alias():
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    pixels = prepare_image(Image.fromarray(stripes), (32, 32))
    assert pixels.shape == (32, 32, 1)
    np.testing.assert_allclose(pixels[:, 4:-4], 128, atol=2)


@pytest.mark.parametrize("scale", [1.0, 1.2])
def test_inputs_scaled_to_one_are_reported(scale):
    images = scale * np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    assert "already scaled to 0-1" in scaling_message(images)


@pytest.mark.parametrize("images", [np.full((1, 4, 4, 3), 1, np.uint8), np.ones(4) * 9])
def test_inputs_as_they_should_be_are_not_reported(images):
    assert scaling_message(images) is None


def test_avif_is_read():
    pixels = np.asarray(decode_image(encoded(quadrants(), "AVIF", quality=100)))
    np.testing.assert_allclose(pixels[8, 8], (255, 0, 0), atol=12)


def test_heic_is_read_by_its_content(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "photo.jpg"  # as some phones name them
    heif.from_pillow(quadrants()).save(path, quality=95)
    pixels = np.asarray(decode_image(path))
    assert pixels.shape == (64, 64, 3)
    np.testing.assert_allclose(pixels[8, 8], (255, 0, 0), atol=12)


def test_heic_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"pip install 'swin-keras\[heif\]'"):
        decode_image(b"\0\0\0\x18ftypheic" + bytes(100))


def test_a_size_that_pillow_refuses_is_told_with_one_limit():
    with pytest.raises(ImageError) as error:
        decode_image(png_that_declares(60_000, 60_000))
    assert "declares 3,600,000,000 pixels; at most 89,478,485" in str(error.value)
    assert "178" not in str(error.value)


def test_tiles_larger_than_an_image_may_be_are_refused():
    tags = {256: 16, 257: 16, 258: 8, 259: 5, 262: 1, 277: 1}
    tags |= {322: 60_000, 323: 60_000, 324: 0, 325: 100}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in tags)
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(100)
    with without_pillow_warnings(), pytest.raises(ImageError, match="tiles of 60000"):
        decode_image(data)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "x.png"
    {
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "device": lambda: path.symlink_to("/dev/zero"),
    }[kind]()
    words = {"pipe": "a FIFO", "folder": "a folder", "device": "a device"}[kind]
    with pytest.raises(ImageError, match=f"no regular file, but {words}"):
        decode_image(path)


def test_a_file_of_too_many_bytes_is_not_read(tmp_path):
    path = tmp_path / "x.bmp"
    with open(path, "wb") as file:
        file.truncate(2**29 + 1)
    with pytest.raises(ImageError, match="too large, 536,870,913 bytes; at most"):
        decode_image(path)


def test_large_images_wait_for_each_other():
    budget, most, held = Budget(100), [0], [0]
    lock = threading.Lock()

    def hold(count):
        with budget.holding(count):
            with lock:
                held[0] += count
                most[0] = max(most[0], held[0])
            time.sleep(0.01)
            with lock:
                held[0] -= count

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, [40, 40, 40, 90, 250, 10, 60] * 2))
    assert most[0] == 250  # alone: more than there is
    assert held[0] == 0
