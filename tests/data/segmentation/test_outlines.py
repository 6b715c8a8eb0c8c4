"""Masks from the polygons of COCO's and LabelMe's json."""

import base64
import io
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from image_files import noise
from PIL import ExifTags, Image

from swin_keras.data import IGNORED, load_dataset
from swin_keras.data.segmentation.filling import fill_circle, fill_polygon, fill_runs
from swin_keras.data.segmentation.outline_folder import look_into_outlines
from swin_keras.errors import DataError, UsageError

SIZE = (40, 30)


def inside(point, polygon):
    """Whether a ray to the right crosses the outline an odd number of times."""
    x, y = point
    crossings = 0
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y1 <= y) != (y2 <= y):
            crossings += x1 + (y - y1) * (x2 - x1) / (y2 - y1) > x
    return crossings % 2 == 1


def distance(point, polygon):
    """Return how far a point is from an outline."""
    starts, point = np.array(polygon), np.array(point)
    sides = np.roll(starts, -1, axis=0) - starts
    lengths = np.maximum((sides**2).sum(1), 1e-12)
    shares = (((point - starts) * sides).sum(1) / lengths).clip(0, 1)
    return np.hypot(*(point - starts - shares[:, None] * sides).T).min()


@settings(max_examples=40, deadline=None)
@example([(-4, -20), (-4, -20), (51, 101)])  # a line, through the centre of a pixel
@given(
    st.lists(
        st.tuples(st.integers(-30, 130), st.integers(-30, 130)), min_size=3, max_size=7
    )
)
def test_pixels_whose_centres_are_inside_are_filled(corners):
    polygon = [(x / 7, y / 7) for x, y in corners]
    filled = fill_polygon(np.array(polygon), (14, 11))
    expected = [
        [inside((x + 0.5, y + 0.5), polygon) for x in range(14)] for y in range(11)
    ]
    assert filled.shape == (11, 14)
    for y, x in np.argwhere(filled != np.array(expected)):
        # On the outline itself, rounding may decide.
        assert distance((x + 0.5, y + 0.5), polygon) < 1e-9


def test_far_away_corners_cost_nothing_and_circles_are_round():
    huge = np.array([[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]])
    assert fill_polygon(huge, SIZE).all()
    assert not fill_polygon(huge + 1e10, SIZE).any()
    circle = fill_circle((20, 15), 10, SIZE)
    assert abs(circle.sum() - np.pi * 100) < 8
    assert circle[15, 20]


def test_run_lengths_go_down_the_columns():
    mask = np.zeros((3, 4), bool)
    mask[1:, 1] = mask[0, 2] = True
    np.testing.assert_array_equal(fill_runs([4, 3, 5], (4, 3)), mask)
    assert fill_runs([0, 12], (4, 3)).all()


def packed(counts) -> str:
    """Write run lengths as COCO's tools do."""
    text = ""
    for place, count in enumerate(counts):
        value = count - (counts[place - 2] if place > 2 else 0)
        more = True
        while more:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(bits + (32 if more else 0) + 48)
    return text


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.floats(0.01, 0.9))
def test_packed_run_lengths_are_those_of_the_tools(seed, share):
    mask = np.random.default_rng(seed).random((60, 50)) < share
    flat = mask.T.ravel()
    ends = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate([[0], ends, [flat.size]])
    counts = [0] * bool(flat[0]) + np.diff(edges).tolist()
    np.testing.assert_array_equal(fill_runs(counts, (50, 60)), mask)
    np.testing.assert_array_equal(fill_runs(packed(counts), (50, 60)), mask)


def test_a_text_of_the_tools_is_read():
    # pycocotools' encoding of a 5 x 5 mask with rows 1-2, columns 1-3 set.
    mask = np.zeros((5, 5), bool)
    mask[1:3, 1:4] = True
    np.testing.assert_array_equal(fill_runs("6230004", (5, 5)), mask)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([4, 4], "of 4 x 3 = 12 pixels, not 8"),
        ([12, -1, 1], "numbers from 0 on"),
        (["12"], "numbers from 0 on"),
        ("é", "must not hold"),
        ("o", "within a number"),
        ("o" * 20, "without end"),
    ],
)
def test_run_lengths_that_cannot_be_are_refused(counts, words):
    with pytest.raises(ValueError, match=words):
        fill_runs(counts, (4, 3))


def square(left, top, side):
    return [left, top, left + side, top, left + side, top + side, left, top + side]


def write_coco(root, count=10, **changes):
    """Write pictures with a large cat, and a small dog on it."""
    images, annotations = [], []
    for index in range(1, count + 1):
        (root / "images").mkdir(parents=True, exist_ok=True)
        noise(index, SIZE).save(root / "images" / f"{index:03d}.jpg")
        images.append(
            {"id": index, "file_name": f"{index:03d}.jpg", "width": 40, "height": 30}
        )
        for category, part in ((18, square(12, 8, 6)), (17, square(4, 3, 20))):
            side = part[2] - part[0]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": category,
                    "bbox": [*part[:2], side, side],
                    "area": side**2,
                    "iscrowd": 0,
                    "segmentation": [part],
                }
            )
    annotations[0] |= changes
    categories = [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "instances.json").write_text(json.dumps(content))
    return root


def cat_and_dog():
    mask = np.zeros((30, 40), np.uint8)
    mask[3:23, 4:24] = 1
    mask[8:14, 12:18] = 2
    return mask


def load(root, **options):
    return load_dataset(root, targets="masks", **options)


def assert_all(dataset, expected, count=10):
    whole = dataset.split("all")
    assert len(whole) == count
    for index in range(count):
        np.testing.assert_array_equal(whole.targets.load(index), expected)
        assert whole.image(index, 3).size == SIZE


def test_coco_polygons_become_masks_small_over_large(tmp_path):
    dataset = load(write_coco(tmp_path))
    assert dataset.class_names == ("background", "cat", "dog")
    assert [len(dataset.splits[t]) for t in ("train", "val", "test")] == [8, 1, 1]
    assert_all(dataset, cat_and_dog())
    again = load(tmp_path)
    assert again.fingerprint() == dataset.fingerprint()
    write_coco(tmp_path, segmentation=[square(12, 8, 7)])
    assert load(tmp_path).fingerprint() != dataset.fingerprint()


def test_a_category_above_all_may_have_the_name_of_a_class(tmp_path):
    path = write_coco(tmp_path) / "instances.json"
    content = json.loads(path.read_text())
    below = [{**one, "supercategory": "cat"} for one in content["categories"]]
    above = {"id": 0, "name": "cat", "supercategory": "none"}
    path.write_text(json.dumps(content | {"categories": [above, *below]}))
    dataset = load(tmp_path)
    assert dataset.class_names == ("background", "cat", "dog")
    assert_all(dataset, cat_and_dog())


def test_pictures_that_no_outlines_speak_of_are_said(tmp_path):
    write_coco(tmp_path)
    noise(11, SIZE).save(tmp_path / "images" / "stray.jpg")
    note = "no annotations speak of or which are in no split: 1 (images/stray.jpg)."
    assert any(note in one for one in load(tmp_path).notes)


@pytest.mark.parametrize("as_text", [True, False])
def test_coco_run_lengths_become_masks(tmp_path, as_text):
    counts = [12 * 30 + 8, 6, *[24, 6] * 5, 22 * 30 + 16]
    counts = packed(counts) if as_text else counts
    runs = {"size": [30, 40], "counts": counts}
    assert_all(load(write_coco(tmp_path, segmentation=runs)), cat_and_dog())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"segmentation": [[1, 2, 3, 4]]}, "a polygon that is not a list of three"),
        ({"segmentation": [["a"] * 6]}, "a polygon that is not a list of three"),
        ({"segmentation": []}, "an object without an outline"),
        (
            {"segmentation": [[1e308, 2, 3, 4, 5, 1e308]]},
            r"a corner at 1e\+308, which no picture has",
        ),
        ({"category_id": 5}, "an outline of no category"),
        (
            {"segmentation": {"size": [40, 30], "counts": [1200]}},
            "run lengths of another size",
        ),
        (
            {"segmentation": {"size": [30, 40], "counts": [5]}},
            "run lengths that must be of 40 x 30 = 1200 pixels, not 5",
        ),
    ],
)
def test_outlines_that_cannot_be_filled_are_said_or_skipped(tmp_path, change, words):
    write_coco(tmp_path, **change)
    with pytest.raises(DataError, match=f"images/001.jpg: has {words}"):
        load(tmp_path)
    dataset = load(tmp_path, on_bad="skip")
    assert len(dataset.split("all")) == 9
    assert len(dataset.skipped) == 1


def test_missing_and_other_pictures_are_said(tmp_path):
    write_coco(tmp_path)
    (tmp_path / "images" / "003.jpg").unlink()
    with pytest.raises(DataError, match=r"003.jpg: .*is not in the folder"):
        load(tmp_path)
    noise(3, (20, 20)).save(tmp_path / "images" / "003.jpg")
    with pytest.raises(DataError, match="has 20 x 20 pixels, its outlines are of 40 x"):
        load(tmp_path)


def write_labelme(root, count=10, extra=()):
    root.mkdir(exist_ok=True)
    for index in range(count):
        noise(index, SIZE).save(root / f"{index:03d}.png")
        shapes = [
            {"label": "cat", "points": [[4, 3], [24, 3], [24, 23], [4, 23]]},
            {"label": "dog", "points": [[12, 8], [18, 14]], "shape_type": "rectangle"},
            {"label": "dog", "points": [[1, 1]], "shape_type": "point"},
            *extra,
        ]
        content = {
            "imagePath": f"{index:03d}.png",
            "imageData": None,
            "imageWidth": 40,
            "imageHeight": 30,
            "shapes": shapes,
        }
        (root / f"{index:03d}.json").write_text(json.dumps(content))
    return root


def test_labelme_shapes_become_masks_later_over_earlier(tmp_path):
    dataset = load(write_labelme(tmp_path / "a"))
    assert dataset.class_names == ("background", "cat", "dog")
    assert_all(dataset, cat_and_dog())
    extra = [
        {"label": "__ignore__", "points": [[0, 0], [40, 2]], "shape_type": "rectangle"},
        {"label": "cat", "points": [[30, 20], [30, 24]], "shape_type": "circle"},
    ]
    expected = cat_and_dog()
    expected[:2] = IGNORED
    expected[fill_circle((30, 20), 4, SIZE)] = 1
    assert_all(load(write_labelme(tmp_path / "b", extra=extra)), expected)


def png_text(pixels) -> str:
    """Return a PNG in base64, in lines, as some tools write it."""
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG")
        return base64.encodebytes(file.getvalue()).decode()


def painted(left, top, mask):
    """Return a shape as LabelMe's brush writes it."""
    text = png_text(mask)
    height, width = mask.shape
    points = [[left, top], [left + width - 1, top + height - 1]]
    return {"label": "cat", "points": points, "shape_type": "mask", "mask": text}


def test_painted_and_turned_shapes_of_labelme_are_filled(tmp_path):
    mask = np.random.default_rng(0).random((5, 4)) < 0.5
    corners = [[30, 20], [34, 24], [30, 28], [26, 24]]
    extra = [
        painted(30, 2, mask),
        {"label": "dog", "points": corners, "shape_type": "rotation"},
        {"label": 7, "points": [[0, 0], [40, 2]], "shape_type": "rectangle"},
    ]
    dataset = load(write_labelme(tmp_path, extra=extra))
    assert dataset.class_names == ("background", "7", "cat", "dog")
    expected = cat_and_dog()
    expected[expected > 0] += 1
    expected[2:7, 30:34][mask] = 2
    expected[fill_polygon(np.array(corners), SIZE)] = 3
    expected[:2] = 1
    assert_all(dataset, expected)
    boxes = load_dataset(tmp_path, targets="boxes").split("all").targets.load(0)
    assert [30, 2, 34, 7] in boxes.boxes.tolist()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mask": None}, "a mask that is not a PNG in base64"),
        ({"mask": "?"}, "a mask that is not a PNG in base64"),
        ({"mask": "aaaa"}, "a mask that is not a PNG in base64"),
        ({"mask": "é"}, "a mask that is not a PNG in base64"),
        ({"points": [[1, 1], [5, 5]]}, "a mask of 2 x 2 pixels, its points are of 5 x"),
        ({"mask": png_text(np.ones((2, 2, 3), np.uint8))}, "a mask in colours"),
        ({"label": "a\nb"}, "a shape whose label cannot name a class"),
        ({"label": ""}, "a shape whose label cannot name a class"),
    ],
)
def test_a_painted_shape_that_cannot_be_read_is_said(tmp_path, change, words):
    extra = [painted(30, 2, np.ones((2, 2), bool)) | change]
    with pytest.raises(DataError, match=f"has {words}"):
        load(write_labelme(tmp_path, extra=extra))


def test_a_labelme_shape_without_points_is_said(tmp_path):
    write_labelme(tmp_path, extra=[{"label": "cat", "points": [[1, 2]]}])
    with pytest.raises(DataError, match="has a polygon without 3 points"):
        load(tmp_path)


def test_a_labelme_circle_that_leaves_every_picture_is_said(tmp_path):
    circle = {"shape_type": "circle", "points": [[9, 9], [1e200, 5]], "label": "cat"}
    write_labelme(tmp_path, extra=[circle])
    with pytest.raises(DataError, match=r"has a corner at 1e\+200, which no picture"):
        load(tmp_path)


@pytest.mark.parametrize("count", [254, 255])
def test_pixels_can_be_of_254_classes_beside_the_background(tmp_path, count):
    content = json.loads((write_coco(tmp_path) / "instances.json").read_text())
    others = [{"id": 100 + n, "name": f"{n}"} for n in range(count - 2)]
    content["categories"] += others
    content["annotations"][0]["category_id"] = others[-1]["id"]
    (tmp_path / "instances.json").write_text(json.dumps(content))
    if count < 255:
        whole = load(tmp_path).split("all")
        assert 254 in {int(whole.targets.load(i).max()) for i in range(10)}
        return
    with pytest.raises(DataError, match=r"at most 255 classes, .* Received: 256 in"):
        load(tmp_path)
    with pytest.raises(DataError, match="at most 255 classes"):
        look_into_outlines(tmp_path, decode=True)


def test_outlines_of_a_stored_picture_are_turned_with_it(tmp_path):
    write_coco(tmp_path)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = tmp_path / "images" / "003.jpg"
    Image.open(path).save(path, exif=exif)
    whole = load(tmp_path).split("all")
    (index,) = [i for i in range(10) if whole.name(i).endswith("003.jpg")]
    expected = np.rot90(cat_and_dog(), -1)
    np.testing.assert_array_equal(whole.targets.load(index), expected)


def test_two_kinds_of_outlines_and_options_for_files_are_refused(tmp_path):
    write_coco(tmp_path / "coco")
    with pytest.raises(UsageError, match="is for files of masks"):
        load(tmp_path / "coco", reduce_zero_label=True)
    write_labelme(tmp_path / "coco" / "more")
    with pytest.raises(DataError, match=r"one kind of outlines.*COCO json and LabelMe"):
        load(tmp_path / "coco")


def test_a_picture_with_outlines_in_two_places_is_said(tmp_path):
    root = write_coco(tmp_path, count=10)
    content = json.loads((root / "instances.json").read_text())
    (root / "instances.json").unlink()
    first, *others = content["images"]
    half = content | {"images": [first, *others[:5]]}
    (root / "instances_train.json").write_text(json.dumps(half))
    other = content | {"images": [first, *others[5:]]}
    (root / "instances_val.json").write_text(json.dumps(other))
    with pytest.raises(DataError, match=r"001\.jpg: has outlines twice, in train and"):
        load(root)
    dataset = load(root, on_bad="skip")
    assert [len(dataset.splits[t]) for t in ("train", "val")] == [5, 4]
    assert not any("001" in name for name in dataset.split("all").items)


def test_a_picture_with_two_files_of_labelme_is_said(tmp_path):
    root = write_labelme(tmp_path)
    content = json.loads((root / "001.json").read_text())
    (root / "001 (copy).json").write_text(json.dumps(content | {"shapes": []}))
    with pytest.raises(DataError, match="has outlines twice"):
        load(root)


def test_without_areas_too_the_smaller_outline_lies_over_the_larger(tmp_path):
    content = json.loads((write_coco(tmp_path) / "instances.json").read_text())
    for number, one in enumerate(content["annotations"]):
        del one["area"]  # the dog, which is smaller, is listed first
        if number % 4 == 1:
            one["area"] = 0
    (tmp_path / "instances.json").write_text(json.dumps(content))
    split = load(tmp_path).splits["train"]
    np.testing.assert_array_equal(split.targets.load(0), cat_and_dog())
