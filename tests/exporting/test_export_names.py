"""Names of exports and classes: those of a downloaded file are somebody's word."""

import dataclasses
import json
import shutil
import zipfile

import pytest
from small_model import NAMES, SMALL

from swin_keras.errors import ModelFileError, UsageError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.model_files import CARD_IN_ZIP, read_card
from swin_keras.model_files.card import ModelCard

PATHS = ["../pets", "/etc/pets", "a/b/c", "a\\b", ".", ".."]
NO_NAMES = [*PATHS, "", " ", "a\nb", "a\x1bb"]


@pytest.mark.parametrize("name", [*NO_NAMES, 5, "x" * 300])
def test_a_name_is_no_path(name):
    with pytest.raises(UsageError, match="An export's name must be one plain name"):
        ExportConfig(name=name)


@pytest.fixture(scope="module")
def bare_model(model_file, tmp_path_factory):
    """The model without its card, as a plain `fit` and `save` leave it."""
    path = tmp_path_factory.mktemp("bare") / "bare.keras"
    with zipfile.ZipFile(model_file) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            if name != CARD_IN_ZIP:
                target.writestr(name, source.read(name))
    return path


def with_card(bare_model, path, **changes):
    card = ModelCard("small", "swin_small", dataclasses.asdict(SMALL), NAMES)
    shutil.copy(bare_model, path)
    with zipfile.ZipFile(path, "a") as archive:
        text = json.dumps(json.loads(card.to_json()) | changes)
        archive.writestr(CARD_IN_ZIP, text)
    return path


@pytest.mark.parametrize("name", [*NO_NAMES, None, 5, ["a"]])
def test_the_name_in_a_card_cannot_lead_elsewhere(
    bare_model, tmp_path, monkeypatch, name
):
    work = tmp_path / "work"
    (tmp_path / "pets").mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    file = with_card(bare_model, work / "evil.keras", name=name)
    with pytest.raises(ModelFileError, match=r"`name` must be one plain name"):
        export(file, ExportConfig(overwrite=True))
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "evil.keras",
        "pets",
        "work",
    ]


@pytest.mark.parametrize(
    ("class_names", "problem"),
    [
        ("cat", "must be a list"),
        (("cat", "do\ng"), "printable text on one line"),
        (("cat", ""), "printable text on one line"),
        (("cat", 3), "printable text on one line"),
        (("cat", "\x1b[31mdog"), "printable text on one line"),
        (("cat", "dog", "cat"), "Received more than once: cat"),
    ],
)
def test_class_names_are_lines_of_text_that_differ(class_names, problem):
    with pytest.raises(UsageError, match=problem):
        ExportConfig(class_names=class_names)


def test_a_plain_model_is_exported_with_its_labels(bare_model, tmp_path):
    names = ["tabby cat", "Hündin", "鳥", "fish", "horse"]
    config = ExportConfig(
        formats=(),
        verify=False,
        class_names=names,
        name="mine",
        saved_models_dir=str(tmp_path),
    )
    folder = export(bare_model, config)
    assert (folder / "labels.txt").read_text("utf-8").splitlines() == names
    assert read_card(folder / "model.keras").class_names == tuple(names)
    readme = (folder / "README.md").read_text("utf-8")
    assert "    swin-keras export" in readme
    assert "--class-names 'tabby cat' 'Hündin' '鳥' fish horse" in readme


@pytest.mark.parametrize("class_names", [NAMES[:4], (*NAMES, "sixth")])
def test_every_class_must_have_a_name(bare_model, tmp_path, class_names):
    config = ExportConfig(class_names=class_names, saved_models_dir=str(tmp_path))
    with pytest.raises(UsageError, match="5 classes must have a name"):
        export(bare_model, config)
    assert list(tmp_path.iterdir()) == []


def test_a_line_break_in_a_class_name_never_reaches_the_labels(bare_model, tmp_path):
    names = ["cat", "dog\nwolf", "bird", "fish", "horse"]
    file = with_card(bare_model, tmp_path / "small.keras", class_names=names)
    config = ExportConfig(saved_models_dir=str(tmp_path / "out"))
    with pytest.raises(ModelFileError, match=r"without control .*'dog\\nwolf'"):
        export(file, config)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": ("litert",)}, "no option 'format' .* Did you mean 'formats'"),
        ({"formats": "litert"}, "`formats` must be"),
        ({"batch_size": "1"}, "`batch_size` must be a whole number"),
        ({"verify": 1}, "`verify` must be true or false"),
    ],
)
def test_options_that_are_none_and_values_of_another_type_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        ExportConfig(**options)
