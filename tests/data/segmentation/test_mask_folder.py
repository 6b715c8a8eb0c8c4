"""Folders of pictures and masks become data sets."""

import os
import shutil
import struct
import zlib

import numpy as np
import pytest
from idx_files import write_garments
from image_files import encoded
from mask_folders import blocks, make_pairs, write_pair
from PIL import ExifTags, Image

from swin_keras.data import IGNORED, BatchLoader, DenseAugmentation, load_dataset
from swin_keras.errors import DataError, UsageError

COLOURS = np.array([[0, 0, 0], [128, 64, 128], [255, 0, 7]], np.uint8)


def load(root, **options):
    return load_dataset(root, targets="masks", **options)


def masks_by_name(dataset):
    whole = dataset.split("all")
    return {
        os.path.basename(whole.name(index))[:-4]: whole.targets.load(index)
        for index in range(len(whole))
    }


def assert_blocks(dataset, count=10):
    found = masks_by_name(dataset)
    assert len(found) == count
    for stem, mask in found.items():
        np.testing.assert_array_equal(mask, blocks(int(stem)))


def test_values_are_classes_and_splits_are_made(tmp_path):
    dataset = load(make_pairs(tmp_path))
    sizes = {title: len(split) for title, split in dataset.splits.items()}
    assert sizes == {"train": 8, "val": 1, "test": 1}
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.splits["train"].targets.kind == "masks"
    assert "class by class" not in dataset.notes[0]
    assert_blocks(dataset)


@pytest.mark.parametrize("around", [True, False])
def test_split_folders_may_be_around_or_inside(tmp_path, around):
    for title, count in (("train", 6), ("validation", 2), ("test", 2)):
        make_pairs(tmp_path / "parts" / title, count)
        for kind in ("images", "masks"):
            place = f"{title}/{kind}" if around else f"{kind}/{title}"
            (tmp_path / "data" / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(tmp_path / "parts" / title / kind, tmp_path / "data" / place)
    dataset = load(tmp_path / "data")
    sizes = {title: len(split) for title, split in dataset.splits.items()}
    assert sizes == {"train": 6, "val": 2, "test": 2}


def test_a_palette_is_read_as_indices(tmp_path):
    for index in range(10):
        mask = blocks(index)
        image = Image.frombytes("P", mask.shape[::-1], mask.tobytes())
        image.putpalette(bytes(range(90, 99)) + bytes(768 - 9))
        write_pair(tmp_path, f"{index:03d}", image)
    assert_blocks(load(tmp_path))


def with_greys(mask, *greys):
    """A mask as indices of greys."""
    image = Image.frombytes("P", mask.shape[::-1], mask.tobytes())
    image.putpalette(np.repeat(np.uint8(greys), 3).tobytes())
    return image


@pytest.mark.parametrize(
    "greys",
    [range(256), (0, 127, 255), (0, 128, 255, 0), (0, 0, 0, 0)],
    ids=["the indices", "even", "even and filled up", "black"],
)
def test_a_palette_that_shows_classes_in_greys_is_read_as_indices(tmp_path, greys):
    for index in range(10):
        write_pair(tmp_path, f"{index:03d}", with_greys(blocks(index), *greys))
    assert_blocks(load(tmp_path))


def test_two_classes_in_black_and_white_of_a_palette_are_read(tmp_path):
    for index in range(10):
        image = with_greys(blocks(index, 2), 0, 255)
        write_pair(tmp_path, f"{index:03d}", image)
    for stem, mask in masks_by_name(load(tmp_path)).items():
        np.testing.assert_array_equal(mask, blocks(int(stem), 2))


@pytest.mark.parametrize("values", [(0, 2), (2, 2), (1, 1), (1, 2)])
@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_greys_that_each_file_numbers_anew_are_not_read_as_indices(
    tmp_path, values, format
):
    make_pairs(tmp_path)
    image = Image.fromarray(np.uint8(values)[blocks(4, 2)])
    if format == "PNG":
        image = image.quantize(2)
    image.save(tmp_path / "masks/004.png", format)
    words = r"004.png: has a palette of greys that are not .*index \d is grey [12].*L"
    with pytest.raises(DataError, match=words):
        load(tmp_path)


def in_colours(mask, colours):
    """A mask as indices of colours: bytes of red, green and blue."""
    image = Image.frombytes("P", mask.shape[::-1], mask.tobytes())
    image.putpalette(np.uint8(colours).tobytes())
    return image


@pytest.mark.parametrize("format", ["PNG", "GIF"])
@pytest.mark.parametrize("skips", [True, False])
def test_colours_that_each_file_numbers_anew_are_not_read_as_indices(
    tmp_path, format, skips
):
    for index in range(10):
        image = Image.fromarray(COLOURS[np.sort(blocks(index, 1 + index % 3))])
        image = image if format == "GIF" else image.quantize(3)
        write_pair(tmp_path, f"{index:03d}", image)
        image.save(tmp_path / f"masks/{index:03d}.png", format)
    words = (
        r"must share one palette.* index 0 is [\d,]+ in masks/00\d.png and [\d,]+ in "
        r"masks/00\d.png. If the colours .*classes.csv.*without a palette"
    )
    with pytest.raises(DataError, match=words):
        load(tmp_path, on_bad="skip" if skips else "stop")


def test_a_mask_of_background_alone_is_not_the_colour_that_others_begin_with(tmp_path):
    write_pair(tmp_path, "all", in_colours(blocks(0, 1), COLOURS[:1]))
    for index in range(9):
        image = in_colours(blocks(index, 2), COLOURS[[2, 0]])
        write_pair(tmp_path, f"{index:03d}", image)
    words = "index 0 is 255,0,7 in masks/000.png and 0,0,0 in masks/all.png"
    with pytest.raises(DataError, match=words):
        load(tmp_path)


def test_palettes_may_differ_where_no_pixel_has_their_colour(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(10):
        mask = blocks(index, 3 - index % 2)
        palette = rng.integers(0, 256, (256, 3))
        palette[:3] = COLOURS
        palette = palette[: mask.max() + 1] if index % 3 else palette
        image = in_colours(mask, palette)
        if index == 4:  # greys that are their indices are sure of themselves
            image = with_greys(mask, *range(256))
        if index in (3, 9):  # what is ignored has no colour of its own
            image.putpixel((0, 0), IGNORED)
        write_pair(tmp_path, f"{index:03d}", mask if index == 6 else image)
    found = masks_by_name(load(tmp_path))
    for stem, mask in found.items():
        expected = blocks(int(stem), 3 - int(stem) % 2)
        expected[0, 0] = IGNORED if stem in ("003", "009") else expected[0, 0]
        np.testing.assert_array_equal(mask, expected)


def test_greys_of_a_palette_are_colours_where_a_table_says_so(tmp_path):
    for index in range(10):
        write_pair(tmp_path, f"{index:03d}", with_greys(blocks(index), 9, 3, 200))
    rows = "sky,9,9,9\nroad,3,3,3\ncar,200,200,200\n"
    (tmp_path / "classes.csv").write_text(rows)
    assert_blocks(load(tmp_path))


def small_png(values, bits: int) -> bytes:
    """A PNG of greys of less than 8 bits, which Pillow reads and does not write."""
    fields = np.unpackbits(values[..., None], axis=-1)[..., -bits:]
    rows = np.packbits(fields.reshape(len(values), -1), axis=-1)
    filtered = np.pad(rows, ((0, 0), (1, 0)))  # each row begins with a 0
    height, width = values.shape
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(filtered.tobytes())),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body))
        + kind
        + body
        + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_values_of_few_bits_are_as_in_the_file(tmp_path, bits):
    classes = 2 if bits == 1 else 3
    for index in range(10):
        mask = blocks(index, classes)
        write_pair(tmp_path, f"{index:03d}", mask)
        (tmp_path / f"masks/{index:03d}.png").write_bytes(small_png(mask, bits))
    found = masks_by_name(load(tmp_path))
    for stem, mask in found.items():
        np.testing.assert_array_equal(mask, blocks(int(stem), classes))
    top = 255 // (2**bits - 1)
    rows = "".join(f"c{i},{top * i},{top * i},{top * i}\n" for i in range(classes))
    (tmp_path / "classes.csv").write_text(rows)  # of colours, as they are seen
    found = masks_by_name(load(tmp_path))
    for stem, mask in found.items():
        np.testing.assert_array_equal(mask, blocks(int(stem), classes))


def test_values_of_few_bits_are_turned_with_their_picture(tmp_path):
    make_pairs(tmp_path)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body
    chunk += struct.pack(">I", zlib.crc32(b"eXIf" + body))
    content = small_png(np.rot90(blocks(4)), 4)
    path = tmp_path / "masks/004.png"
    path.write_bytes(content[:33] + chunk + content[33:])
    np.testing.assert_array_equal(masks_by_name(load(tmp_path))["004"], blocks(4))


def small_tiff(values, bits: int, compression: int = 1) -> bytes:
    """A TIFF of greys of few bits; they are not compressed, whatever it says."""
    fields = np.unpackbits(values[..., None], axis=-1)[..., -bits:]
    rows = np.packbits(fields.reshape(len(values), -1), axis=-1).tobytes()
    height, width = values.shape
    tags = {
        256: width,
        257: height,
        258: bits,
        259: compression,
        262: 1,  # 0 is black
        273: 8 + 2 + 12 * 9 + 4,  # where the pixels are
        277: 1,
        278: height,
        279: len(rows),
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + rows


@pytest.mark.parametrize("bits", [2, 4])
def test_values_of_few_bits_of_a_tiff_are_as_in_the_file(tmp_path, bits):
    make_pairs(tmp_path)
    (tmp_path / "masks/004.png").write_bytes(small_tiff(blocks(4), bits))
    np.testing.assert_array_equal(masks_by_name(load(tmp_path))["004"], blocks(4))


def frames_of(mask, **options):
    """A WebP that is animated, so that its pixels are in chunks of its frames."""
    frames = [Image.fromarray(mask + more) for more in (0, 1)]
    return encoded(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], **options
    )


LOSSY = {
    "JPEG": ("a JPEG", lambda mask: encoded(Image.fromarray(mask), "JPEG")),
    "WebP": ("a lossy WebP", lambda mask: encoded(Image.fromarray(mask), "WEBP")),
    "WebP with EXIF": (
        "a lossy WebP",
        lambda mask: encoded(Image.fromarray(mask), "WEBP", exif=b"Exif\0\0II*\0abc"),
    ),
    "animated WebP": ("a lossy WebP", frames_of),
    "AVIF": ("an AVIF", lambda mask: encoded(Image.fromarray(mask), "AVIF")),
    "JPEG in TIFF": (
        "a TIFF of JPEG inside",
        lambda mask: encoded(Image.fromarray(mask), "TIFF", compression="jpeg"),
    ),
    "WebP in TIFF": ("a TIFF of WebP inside", lambda mask: small_tiff(mask, 8, 50001)),
}


@pytest.mark.parametrize("kind", LOSSY)
def test_files_that_do_not_keep_classes_are_refused(tmp_path, kind):
    words, write = LOSSY[kind]
    make_pairs(tmp_path)
    (tmp_path / "masks/004.png").write_bytes(write(blocks(4)))
    words = f"masks/004.png: is {words}, which does not keep classes; a mask must be a"
    with pytest.raises(DataError, match=words):
        load(tmp_path)


@pytest.mark.parametrize(
    "write",
    [
        lambda mask: encoded(Image.fromarray(mask), "WEBP", lossless=True),
        lambda mask: frames_of(mask, lossless=True),
        lambda mask: encoded(Image.fromarray(mask), "TIFF", compression="tiff_lzw"),
    ],
    ids=["WebP", "animated WebP", "TIFF"],
)
def test_files_that_keep_classes_are_read(tmp_path, write):
    make_pairs(tmp_path)
    (tmp_path / "masks/004.png").write_bytes(write(blocks(4)))
    np.testing.assert_array_equal(masks_by_name(load(tmp_path))["004"], blocks(4))


@pytest.mark.parametrize(
    "convert",
    [
        lambda mask: Image.fromarray(mask[..., None].repeat(3, -1)),
        lambda mask: Image.fromarray(mask.astype(np.uint16)),
        lambda mask: Image.fromarray(mask).convert("LA"),
    ],
    ids=["grey colours", "16 bits", "with alpha"],
)
def test_values_may_be_written_in_other_ways(tmp_path, convert):
    for index in range(10):
        write_pair(tmp_path, f"{index:03d}", convert(blocks(index)))
    assert_blocks(load(tmp_path))


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("classes.csv", ["sky,0,0,0", "road,128,64,128", "car,255,0,7"]),
        (
            "class_dict.csv",
            ["name,r,g,b", "sky,0,0,0", "road, 128, 64, 128", "car,255,0,7"],
        ),
        (
            "labelmap.txt",
            ["# label:color", "sky:0,0,0::", "road:128,64,128::", "car:255,0,7::"],
        ),
    ],
)
@pytest.mark.parametrize("palette", [True, False])
def test_a_table_says_what_colours_stand_for(tmp_path, name, lines, palette):
    for index in range(10):
        image = Image.fromarray(COLOURS[blocks(index)])
        if palette:
            image = image.quantize(3)
        write_pair(tmp_path, f"{index:03d}", image)
    (tmp_path / name).write_text("\n".join(lines))
    dataset = load(tmp_path)
    assert dataset.class_names == ("sky", "road", "car")
    assert_blocks(dataset)


def test_names_may_be_given_and_void_is_ignored(tmp_path):
    make_pairs(tmp_path)
    (tmp_path / "classes.txt").write_text("sky\nvoid\ncar\n")
    dataset = load(tmp_path)
    assert dataset.class_names == ("sky", "car")
    for stem, mask in masks_by_name(dataset).items():
        expected = np.array([0, IGNORED, 1])[blocks(int(stem))]
        np.testing.assert_array_equal(mask, expected)


def test_value_0_may_be_ignored(tmp_path):
    for index in range(10):
        mask = blocks(index)
        mask[-4:] = IGNORED
        write_pair(tmp_path, f"{index:03d}", mask)
    dataset = load(tmp_path, reduce_zero_label=True)
    assert dataset.class_names == ("1", "2")
    for stem, mask in masks_by_name(dataset).items():
        expected = np.array([IGNORED, 0, 1])[blocks(int(stem))]
        expected[-4:] = IGNORED
        np.testing.assert_array_equal(mask, expected)


def test_black_and_white_masks_need_a_table(tmp_path):
    for index in range(10):
        write_pair(tmp_path, f"{index:03d}", (blocks(index, 2) * 255))
    with pytest.raises(DataError, match=r"hold 0 and 255 only.*object,255,255,255"):
        load(tmp_path)
    (tmp_path / "classes.txt").write_text("background\nobject\n")
    with pytest.raises(DataError, match=r"a classes\.csv in place of classes\.txt"):
        load(tmp_path)
    (tmp_path / "classes.txt").unlink()
    (tmp_path / "classes.csv").write_text("background,0,0,0\nobject,255,255,255\n")
    for stem, mask in masks_by_name(load(tmp_path)).items():
        np.testing.assert_array_equal(mask, blocks(int(stem), 2))


def test_a_mask_of_the_stored_picture_is_turned_with_it(tmp_path):
    make_pairs(tmp_path)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = tmp_path / "images" / "003.jpg"
    Image.open(path).save(path, exif=exif)
    dataset = load(tmp_path)
    found = masks_by_name(dataset)["003"]
    np.testing.assert_array_equal(found, np.rot90(blocks(3), -1))
    for split in dataset.splits.values():
        for index in range(len(split)):
            mask = split.targets.load(index)
            assert split.image(index, 3).size == mask.shape[::-1]


def test_masks_are_batched_with_their_pictures(tmp_path):
    dataset = load(make_pairs(tmp_path))
    loader = BatchLoader(
        dataset.splits["train"],
        4,
        (32, 32),
        3,
        training=True,
        augmentation=DenseAugmentation(),
    )
    images, masks = loader(0)
    assert (images.shape, masks.shape) == ((4, 32, 32, 3), (4, 32, 32))
    assert set(np.unique(masks)) <= {0, 1, 2, IGNORED}
    pixels = dataset.splits["train"].targets.pixels(3)
    assert pixels.sum() == 8 * 40 * 36


FAULTS = {
    "a mask without an image": (
        lambda root: (root / "images" / "004.jpg").unlink(),
        r"masks/004.png: has no image in images/",
    ),
    "an image without a mask": (
        lambda root: (root / "masks" / "004.png").unlink(),
        r"images/004.jpg: has no mask in masks/",
    ),
    "another size": (
        lambda root: Image.new("L", (20, 18)).save(root / "masks" / "004.png"),
        r"masks/004.png: has 20 x 18 pixels, its image 40 x 36",
    ),
    "colours": (
        lambda root: Image.fromarray(COLOURS[blocks(4)]).save(root / "masks/004.png"),
        r"004.png: holds colours, not .*128,64,128 in \d+ pixels.*classes.csv",
    ),
    "a damaged mask": (
        lambda root: (root / "masks" / "004.png").write_bytes(b"no image"),
        r"masks/004.png: not an image",
    ),
    "an empty mask": (
        lambda root: (root / "masks" / "004.png").write_bytes(b""),
        r"masks/004.png: empty, 0 bytes",
    ),
    "a damaged image": (
        lambda root: (root / "images" / "004.jpg").write_bytes(b"no image"),
        r"images/004.jpg: not an image",
    ),
    "two images of a name": (
        lambda root: shutil.copy(root / "images/004.jpg", root / "images/004.png"),
        r"images/004.png: has the name of 004.jpg but for its ending",
    ),
    "a JPEG in the place of a mask": (
        lambda root: Image.fromarray(blocks(4)).save(root / "masks/004.png", "JPEG"),
        r"masks/004.png: is a JPEG, which does not keep classes",
    ),
    "values of 16 bits": (
        lambda root: Image.fromarray(blocks(4).astype(np.uint16) * 999).save(
            root / "masks" / "004.png"
        ),
        r"004.png: holds the value \d+; a mask's are whole, from 0 to 255",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_used_is_said_in_a_sentence_or_skipped(tmp_path, fault):
    damage, words = FAULTS[fault]
    damage(make_pairs(tmp_path))
    with pytest.raises(DataError, match=words):
        load(tmp_path)
    dataset = load(tmp_path, on_bad="skip")
    assert len(dataset.split("all")) == (10 if fault.startswith("two") else 9)
    assert len(dataset.skipped) == 1


def test_values_beyond_the_classes_are_said(tmp_path):
    make_pairs(tmp_path)
    (tmp_path / "classes.txt").write_text("sky\nroad\n")
    with pytest.raises(DataError, match=r"holds 2, but classes are 0 to 1, and 255 is"):
        load(tmp_path)


def test_values_that_training_does_not_have_are_said(tmp_path):
    make_pairs(tmp_path / "train", 5)
    make_pairs(tmp_path / "val", 2, classes=5)
    with pytest.raises(DataError, match=r"val/masks/000.png: holds 3, 4, but classes"):
        load(tmp_path)


def test_colours_that_the_table_does_not_have_are_listed(tmp_path):
    for index in range(10):
        write_pair(tmp_path, f"{index:03d}", Image.fromarray(COLOURS[blocks(index)]))
    (tmp_path / "classes.csv").write_text("sky,0,0,0\nroad,128,64,128\n")
    with pytest.raises(DataError, match=r"not in .*classes.csv \(255,0,7 in \d+ pixel"):
        load(tmp_path)


def test_a_class_without_pixels_is_said(tmp_path):
    make_pairs(tmp_path)
    (tmp_path / "classes.txt").write_text("sky\nroad\ncar\nbus\n")
    notes = " ".join(load(tmp_path).notes)
    assert "'bus' has no pixel in any mask: cannot be learned" in notes


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("classes.csv", "sky,0,0,0\nroad,0,0,300", "rows such as road.*'road,0,0,300'"),
        ("classes.csv", "sky,0,0,0\nroad,0,0,0", "two classes have the colour"),
        ("classes.txt", "sky\nsky", "two classes have the name sky"),
        ("classes.txt", "\n".join(map(str, range(256))), "1 to 255 classes"),
        ("classes.txt", "", "1 to 255 classes. Received: 0"),
        ("labelmap.txt", "sky", "rows such as road"),
    ],
)
def test_tables_that_cannot_be_used_say_why(tmp_path, name, text, words):
    (make_pairs(tmp_path) / name).write_text(text)
    with pytest.raises(DataError, match=words):
        load(tmp_path)


@pytest.mark.parametrize("value", [-1, 0.5, np.nan, 300])
def test_values_that_are_no_bytes_are_named(tmp_path, value):
    make_pairs(tmp_path)
    values = blocks(4).astype(np.float32)
    values[3, 3] = value
    (tmp_path / "masks" / "004.png").unlink()
    Image.fromarray(values).save(tmp_path / "masks" / "004.tif")
    with pytest.raises(DataError, match=f"004.tif: holds the value {value}"):
        load(tmp_path)
    values[3, 3] = 1
    Image.fromarray(values).save(tmp_path / "masks" / "004.tif")
    assert load(tmp_path).class_names == ("0", "1", "2")


def test_a_table_without_a_class_is_refused(tmp_path):
    make_pairs(tmp_path)
    (tmp_path / "classes.txt").write_text("void\nignore\nunlabeled\n")
    with pytest.raises(DataError, match=r"1 to 255 classes. Received: 0"):
        load(tmp_path)


def test_what_has_no_masks_is_told(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("a.png,cat\n")
    with pytest.raises(DataError, match=r"is a table of labels. Masks are read from"):
        load(table)
    write_garments(tmp_path)
    with pytest.raises(DataError, match=r"has one class for each image. Rec.*: masks"):
        load("fashion_mnist", data_dir=tmp_path)
    with pytest.raises(DataError, match=r"one class for each image. Rec.*multi_label"):
        load_dataset("fashion_mnist", data_dir=tmp_path, multi_label=True)


def test_other_layouts_are_told_how_it_must_be(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match=r"must hold images/ and masks/.*photos"):
        load(tmp_path)
    make_pairs(tmp_path / "val")
    with pytest.raises(DataError, match="no train images beside val"):
        load(tmp_path)
    make_pairs(tmp_path / "other", classes=1)
    with pytest.raises(DataError, match=r"two classes or more.*not only '0'"):
        load(tmp_path / "other")


def test_masks_are_not_taken_for_classes(tmp_path):
    with pytest.raises(DataError, match=r"holds images and masks.*targets='masks'"):
        load_dataset(make_pairs(tmp_path))


def test_pictures_beside_the_split_folders_are_said(tmp_path):
    for title, count in (("train", 6), ("test", 2)):
        make_pairs(tmp_path / title, count)
        for kind in ("images", "masks"):
            (tmp_path / "data" / kind).mkdir(parents=True, exist_ok=True)
            shutil.move(tmp_path / title / kind, tmp_path / "data" / kind / title)
    shutil.copy(tmp_path / "data/images/test/000.jpg", tmp_path / "data/images/a.jpg")
    notes = "\n".join(load(tmp_path / "data").notes)
    assert "elsewhere in the folder, left out: 1 (images/a.jpg)" in notes


def test_pictures_that_are_links_are_followed_if_asked(tmp_path):
    make_pairs(tmp_path / "far")
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for path in (tmp_path / "far" / kind).iterdir():
            (tmp_path / "data" / kind / path.name).symlink_to(path)
    with pytest.raises(DataError, match="must hold images/ and masks/"):
        load(tmp_path / "data")
    assert_blocks(load(tmp_path / "data", follow_links=True))


def test_value_zero_is_not_ignored_where_colours_stand_for_classes(tmp_path):
    for index in range(4):
        write_pair(tmp_path, f"{index:03d}", Image.fromarray(COLOURS[blocks(index)]))
    rows = "sky,0,0,0\nroad,128,64,128\ncar,255,0,7\n"
    (tmp_path / "classes.csv").write_text(rows)
    assert load(tmp_path).class_names == ("sky", "road", "car")
    with pytest.raises(UsageError, match="is for masks of values"):
        load(tmp_path, reduce_zero_label=True)
