"""What is drawn on pictures, and the files of masks."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from swin_keras.drawing import (
    colour_of,
    draw_boxes,
    draw_mask,
    draw_sheet,
    mask_areas,
    save_mask,
)
from swin_keras.drawing.boxes import font_for
from swin_keras.drawing.caption import annotated
from swin_keras.drawing.colours import text_on
from swin_keras.drawing.font import font
from swin_keras.drawing.legend import GROUND, with_legend

GREY = (100, 100, 100)


def picture(size=(200, 120)):
    return Image.new("RGB", size, GREY)


def extent_of(colour, image):
    rows, columns = np.nonzero((np.asarray(image) == colour).all(-1))
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_colours_of_classes_differ():
    colours = [colour_of(index) for index in range(255)]
    assert len(set(colours)) == 255
    first = np.array(colours[:12], float)
    distances = np.abs(first[:, None] - first).sum(-1)
    assert distances[~np.eye(12, dtype=bool)].min() > 60
    assert text_on((255, 255, 0)) == "black"
    assert text_on((90, 0, 200)) == "white"


@pytest.mark.parametrize("box", [(10, 20, 90, 100), (0, 0, 200, 120), (50, 50, 52, 51)])
def test_a_frame_reaches_to_the_edges_of_its_box_and_not_beyond(box):
    original = picture()
    drawn = draw_boxes(original, [box], classes=[3])
    assert extent_of(colour_of(3), drawn) == list(box)
    assert (np.asarray(original) == GREY).all()


def test_a_frame_leaves_what_is_in_it_to_be_seen():
    drawn = np.asarray(draw_boxes(picture(), [(10, 20, 90, 100)]))
    assert (drawn[26:94, 16:84] == GREY).all()


@pytest.mark.parametrize(
    "box", [(0, 0, 9, 9), (190, 110, 200, 120), (0, 0, 200, 120), (90, 119, 99, 120)]
)
@pytest.mark.parametrize("label", ["cat", "a name that has far more letters than room"])
def test_labels_stay_in_the_picture(box, label):
    beside = draw_boxes(picture(), [box], classes=[0])
    drawn = draw_boxes(picture(), [box], [label], [0.87], classes=[0])
    assert drawn.size == (200, 120)
    changed = (np.asarray(drawn) != np.asarray(beside)).any(-1)
    rows, columns = np.nonzero(changed)
    height = rows.max() + 1 - rows.min()
    assert height >= font_for((200, 120)).size  # the whole line, not a part of it
    assert columns.max() - columns.min() >= 20


def test_labels_of_boxes_at_one_place_do_not_cover_each_other():
    boxes = [(60, 60, 100, 100)] * 3
    drawn = np.asarray(draw_boxes(picture(), boxes, ["one", "two", "six"]))
    areas = [
        (drawn == colour_of(class_id)).all(-1).sum() for class_id in (0, 1, 2)
    ]  # by name: one, six, two
    assert min(areas) > 100


def test_a_broken_frame_has_gaps():
    box = [(20, 20, 180, 100)]
    whole = (np.asarray(draw_boxes(picture(), box)) == colour_of(0)).all(-1).sum()
    broken = draw_boxes(picture(), box, dashed=[True])
    share = (np.asarray(broken) == colour_of(0)).all(-1).sum() / whole
    assert 0.35 < share < 0.7


def test_pictures_are_brought_to_a_size_with_their_boxes():
    drawn = draw_boxes(picture((20, 10)), [(5, 5, 10, 10)], sides=(200, 300))
    assert drawn.size == (200, 100)
    assert extent_of(colour_of(0), drawn) == [50, 50, 100, 100]
    assert draw_boxes(picture((900, 300)), [], sides=(200, 300)).size == (300, 100)


def test_no_boxes_and_grey_pictures_are_fine():
    drawn = draw_boxes(Image.new("L", (30, 20), 100), np.zeros((0, 4)), [], [])
    assert (np.asarray(drawn) == GREY).all()


def test_escape_sequences_in_names_are_written_out():
    drawn = draw_boxes(picture(), [(50, 50, 90, 90)], ["a\x1b[31m\nb"])
    as_text = draw_boxes(picture(), [(50, 50, 90, 90)], ["a\\x1b[31m\\nb"])
    assert (np.asarray(drawn) == np.asarray(as_text)).all()


MASK = np.array([[0, 0, 1, 1], [0, 2, 2, 255]], np.uint8).repeat(40, 0).repeat(40, 1)
NAMES = ["background", "cat", "dog"]


def test_masks_are_seen_over_the_picture_and_what_is_hidden_is_not():
    drawn = np.asarray(draw_mask(picture((160, 80)), MASK, NAMES, legend=False))
    assert drawn.shape == (80, 160, 3)
    assert (drawn[10, 10] == GREY).all()
    assert (drawn[60, 140] == GREY).all()  # ignored
    mixed = np.round(0.45 * np.array(GREY) + 0.55 * np.array(colour_of(1)))
    assert (drawn[10, 110] == mixed).all()
    assert drawn[20, 119].sum() == drawn[20, 118].sum()  # no edge within a class
    assert drawn[39, 100].sum() < drawn[38, 100].sum()  # an edge to the dog
    plain = draw_mask(picture((160, 80)), MASK)
    assert (np.asarray(plain)[10, 10] != GREY).any()  # nothing is hidden by its id


def test_a_legend_names_the_classes_that_are_seen():
    drawn = draw_mask(picture((160, 80)), MASK, NAMES)
    assert drawn.size[0] == 160
    assert drawn.size[1] > 80
    below = np.asarray(drawn)[80:]
    assert (below == colour_of(1)).all(-1).any()
    assert (below == colour_of(2)).all(-1).any()
    assert not (below == colour_of(0)).all(-1).any()


def test_a_coarse_mask_is_stretched_over_the_picture():
    coarse = MASK[::40, ::40]
    fine = draw_mask(picture((160, 80)), MASK, NAMES, legend=False)
    drawn = draw_mask(picture((160, 80)), coarse, NAMES, legend=False)
    assert (np.asarray(drawn) == np.asarray(fine)).all()


def test_a_mask_file_holds_ids_and_shows_colours():
    file = io.BytesIO()
    save_mask(MASK, file, NAMES)
    with Image.open(file) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), MASK)
        colours = np.asarray(image.convert("RGB"))
    assert tuple(colours[0, 0]) == (0, 0, 0)
    assert tuple(colours[0, 150]) == colour_of(1)
    assert tuple(colours[-1, -1]) == (255, 255, 255)


def test_areas_of_a_mask_are_pixels_and_shares_largest_first():
    areas = mask_areas(MASK, NAMES)
    assert areas["width"] == 160
    assert areas["height"] == 80
    assert areas["ignored"] == 1600
    assert [(c["name"], c["pixels"]) for c in areas["classes"]] == [
        ("background", 4800),
        ("cat", 3200),
        ("dog", 3200),
    ]
    assert areas["classes"][0]["share"] == 0.375
    assert json.loads(json.dumps(areas)) == areas


def test_a_sheet_has_a_place_for_every_picture():
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200)]
    pictures = [Image.new("RGB", (60, 30), colour) for colour in colours]
    sheet = draw_sheet(pictures, [f"picture {i}" * 20 for i in range(5)], cell=50)
    for colour in colours:
        left, top, right, bottom = extent_of(colour, sheet)
        assert (right - left, bottom - top) == (50, 25)
    assert sheet.size[0] == 3 * 56 + 6


def test_a_long_name_below_a_small_picture_is_not_cut():
    drawn = with_legend(Image.new("RGB", (64, 64)), [(1, "a long name of a class")])
    strip = np.asarray(drawn)[64:]
    assert drawn.width > 64
    assert (strip[:, -4:] == GROUND).all()
    assert (strip[:, -16:-4] != GROUND).any()


def test_letters_of_other_alphabets_are_drawn():
    letters = font(16)
    unknown = bytes(letters.getmask("\uffff"))
    for letter in "\u00e9\u00df\u00f1\u0142\u044f\u03b1":
        assert bytes(letters.getmask(letter)) != unknown


SAID = [(f"a_name_of_letters_{number}", f"{99 - number}.0%") for number in range(8)]


def written_in(monkeypatch, picture, said, **options):
    """Return the captioned picture and its lines, each with its width."""
    lines = []

    def write(self, place, line, fill, letters, anchor):
        lines.append((line, letters.getlength(line)))

    with monkeypatch.context() as patch:
        patch.setattr("PIL.ImageDraw.ImageDraw.text", write)
        drawn = annotated(picture, said, **options)
    return drawn, lines


@pytest.mark.parametrize("size", [(178, 218), (64, 64), (640, 480)])
def test_all_that_is_said_is_in_the_caption(size, monkeypatch):
    drawn, lines = written_in(monkeypatch, picture(size), SAID)
    text = " ".join(line for line, _ in lines)
    assert text == ", ".join(f"{name}  {number}" for name, number in SAID)
    assert max(width for _, width in lines) <= drawn.width - 8
    assert drawn.height >= size[1] + 14 * len(lines)
    assert extent_of(GREY, drawn)[1] == drawn.height - size[1]


def test_a_name_longer_than_a_line_keeps_its_number(monkeypatch):
    said = [("a name that is far longer than any line of it", "99.1%")]
    drawn, ((line, width),) = written_in(monkeypatch, picture((120, 90)), said)
    assert width <= drawn.width - 8
    assert line.startswith("a name that")
    assert line.endswith(" 99.1%")


@pytest.mark.parametrize("size", [(178, 218), (64, 64), (640, 480)])
def test_a_frame_has_one_line_and_counts_the_rest(size, monkeypatch):
    drawn, ((line, width),) = written_in(
        monkeypatch, picture(size), SAID, one_line=True
    )
    few, _ = written_in(monkeypatch, picture(size), SAID[:1], one_line=True)
    assert drawn.size == few.size
    assert width <= drawn.width - 8
    said, more = line.count("%"), int(line.split("and ")[1].split()[0])
    assert said >= 1
    assert said + more == len(SAID)
