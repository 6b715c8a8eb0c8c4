"""Letters that DejaVu Sans lacks are looked for in the fonts of the system."""

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

from swin_keras.drawing import draw_boxes, font
from swin_keras.drawing.caption import annotated
from swin_keras.report.plots import plot_images

LETTER = "\U00030000"  # of Chinese, which hardly any font has
EM = 1000


def write_font(path, letters):
    """Write a font whose letters are dark squares of full height."""
    names = {ord(letter): f"u{ord(letter):X}" for letter in letters}
    glyphs = [".notdef", *names.values()]
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap(names)
    pen = TTGlyphPen(None)
    for step, corner in enumerate([(0, 0), (0, EM), (EM, EM), (EM, 0)]):
        pen.lineTo(corner) if step else pen.moveTo(corner)
    pen.closePath()
    square, nothing = pen.glyph(), TTGlyphPen(None).glyph()
    builder.setupGlyf({name: square for name in glyphs} | {".notdef": nothing})
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (EM, 0)))
    builder.setupHorizontalHeader(ascent=EM, descent=0)
    builder.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A system whose fonts are those of a folder."""

    def fonts():
        return [str(path) for path in tmp_path.iterdir()]

    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", fonts)
    monkeypatch.setattr(font, "_taken", [])
    font._with_most.cache_clear()
    yield tmp_path
    font._with_most.cache_clear()


@pytest.mark.parametrize("text", ["cat", "Ünïcödé", "собака", "γάτα", "a → b"])
def test_letters_that_it_has_stay_in_the_usual_font(system, text):
    write_font(system / "other.ttf", text)
    assert font.font_file([text]) == font.font_file()


def test_the_font_with_the_most_letters_is_taken(system):
    write_font(system / "a.ttf", LETTER)
    both = write_font(system / "b.ttf", LETTER + "猫")
    write_font(system / "b-Bold.ttf", LETTER + "猫")
    (system / "c.ttf").write_bytes(b"no font")
    assert font.font_file([LETTER, "猫"]) == both
    assert font.font_file(["猫\n"]) == both
    assert font.font_file(["\U00030001"]) == font.font_file()  # no font has it


def test_no_other_font_is_opened_once_one_has_all_letters(system, monkeypatch):
    path = write_font(system / "a.ttf", LETTER + "猫")
    assert font.font_file([LETTER]) == path
    monkeypatch.delattr("matplotlib.font_manager.findSystemFonts")
    assert font.font_file(["猫"]) == path


def dark_pixels(image):
    return int((np.asarray(image.convert("L")) < 60).sum())


def test_names_are_written_with_it_on_pictures_and_plots(system, tmp_path_factory):
    plots = tmp_path_factory.mktemp("plots")
    ground = Image.new("RGB", (200, 120), "white")

    def drawn():
        font._with_most.cache_clear()
        boxed = draw_boxes(
            ground, [(20, 40, 90, 110)], [LETTER], colours=[(255, 255, 0)]
        )
        said = annotated(ground, [(LETTER, "")])
        plot_images(np.full((1, 8, 8, 3), 255), [LETTER], plots / "a.png")
        with Image.open(plots / "a.png") as plot:
            return dark_pixels(boxed), -dark_pixels(said), dark_pixels(plot)

    boxes = drawn()  # what stands for a letter that no font has: its outline
    write_font(system / "letters.ttf", LETTER)
    squares = drawn()
    assert np.greater(np.subtract(squares, boxes), 30).all(), (boxes, squares)
