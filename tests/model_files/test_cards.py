"""A card comes from outside: it is read within limits, and every field is checked."""

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from onnx_file import write_onnx

import swin_keras
from swin_keras.cli import main
from swin_keras.errors import ModelFileError
from swin_keras.inference import opening
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import (
    CARD_IN_ONNX,
    CARD_IN_ZIP,
    embed_card,
    load_keras,
    read_card,
)
from swin_keras.model_files.card import ModelCard, installed_version, installed_versions
from swin_keras.model_files.card_in_file import MAX_CARD
from swin_keras.model_files.onnx_metadata import read_metadata

ROOT = Path(__file__).parents[2]
GOOD = {"name": "pets", "variant": "swin", "model": {}, "class_names": ["cat", "dog"]}


def changed(**fields):
    return json.dumps(GOOD | fields)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Expecting property name"),
        ("[]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        (changed(data=json.loads("[" * 20 + "]" * 20)), "`data` must be|too deeply"),
        (changed(data={"a": json.loads("[" * 20 + "]" * 20)}), "nested too deeply"),
        ('{"name": "pets"}', "it lacks variant, model, class_names"),
        (changed().encode("utf-16"), "can't decode|invalid"),
        (b"\xff" + changed().encode(), "can't decode"),
        (changed(crop_fraction=0), "`crop_fraction` must be a number above 0"),
        (changed(crop_fraction=-1), "`crop_fraction` must be"),
        (changed(crop_fraction=1.5), "`crop_fraction` must be"),
        (changed(crop_fraction=float("nan")), "`crop_fraction` must be .* not nan"),
        (changed(crop_fraction="0.9"), "`crop_fraction` must be .* not '0.9'"),
        (changed(crop_fraction=True), "`crop_fraction` must be"),
        (changed(crop_fraction=None), "`crop_fraction` must be"),
        (changed(resized_to=[64]), "`resized_to` must be a height and a width"),
        (changed(resized_to=[64, 0]), "`resized_to` must be"),
        (changed(resized_to=[64, "64"]), "`resized_to` must be"),
        (changed(name="../../docs"), "holds a folder's separator"),
        (changed(name="/etc"), "holds a folder's separator"),
        (changed(name=None), "of the type NoneType"),
        (changed(name=7), "of the type int"),
        (changed(name="a\nb"), "holds a control character"),
        (changed(class_names="cat"), "`class_names` must be a list of names"),
        (changed(class_names=["cat", 7]), "`class_names` must be"),
        (changed(class_names=["cat\n", "dog"]), "`class_names` must be"),
        (changed(class_names=["\x1b[31m", "dog"]), "`class_names` must be"),
        (changed(class_names=None), "`class_names` must be"),
        (changed(variant=["swin"]), "`variant` must be"),
        (changed(model=[]), "`model` must be"),
        (changed(model={"input_shape": [0, 4, 3]}), "`model` must be"),
        (changed(model={"input_shape": [2**40, 4, 3]}), "`model` must be"),
        (changed(train={"data": ["x"]}), "`train` must be"),
        (changed(train={"seed": "x"}), "`train` must be"),
        (changed(metrics={"accuracy": "high"}), "`metrics` must be numbers"),
        (changed(metrics={"accuracy": 10**400}), "`metrics` must be numbers"),
        (changed(checks={"litert": {"megabytes": "big"}}), "`checks` must be"),
        (changed(files={"model.tflite": {"bytes": 3}}), "`files` must be"),
        (changed(litert_batch_size=-1), "`litert_batch_size` must be"),
        (changed(command=3), "`command` must be"),
        ('{"name": ' + "1" * 5000 + "}", "integer string conversion"),
        (" " * (MAX_CARD + 1), "larger than"),
    ],
)
def test_a_card_that_is_none_is_one_sentence(tmp_path, content, message):
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(ModelFileError, match=message) as raised:
        read_card(tmp_path)
    assert len(str(raised.value).splitlines()) == 1
    assert len(str(raised.value)) < 700


def test_every_card_that_is_written_can_be_read(tmp_path):
    metrics = {"loss": float("nan"), "accuracy": 1, "val_loss": float("inf")}
    card = ModelCard("pets", "swin", {}, ("cat", "a/b"), metrics=metrics)
    text = card.to_json()
    json.loads(text, parse_constant=pytest.fail)  # NaN is not JSON
    again = ModelCard.from_json(text)
    assert again.class_names == ("cat", "a/b")
    assert np.isnan(again.metrics["loss"])
    assert again.metrics["accuracy"] == 1


def test_a_card_of_another_kind_of_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "card.json")  # to read it would wait for ever
    assert read_card(tmp_path) is None
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "card.json").symlink_to("/dev/zero")
    assert read_card(tmp_path / "other") is None


def zip_bomb(path):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CARD_IN_ZIP, bytes(100 << 20))


def disguised_bomb(path):
    """Declare a few bytes and pack many, in a way that unpacks all at once."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(CARD_IN_ZIP, changed())


def huge_directory(path):
    with zipfile.ZipFile(path, "a") as archive:
        for index in range(25_000):
            archive.writestr(f"{index:0200}", b"")


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (zip_bomb, "declares 104,857,600 bytes, at most 4,194,304 are read"),
        (disguised_bomb, "packed in another way than by deflate"),
        (huge_directory, "would read .* bytes of a zip at once"),
    ],
)
def test_a_card_in_a_zip_bomb_is_refused(tmp_path, attack, message):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"any")
    attack(path)
    with pytest.raises(ModelFileError, match=message):
        read_card(path)


@pytest.fixture
def copy(exported, tmp_path):
    """Return a copy of the export, to be damaged."""
    return shutil.copytree(exported, tmp_path / "toy")


@pytest.mark.parametrize("name", ["model.tflite", "model_int8.tflite", "model.keras"])
def test_one_bit_of_damage_anywhere_is_refused(copy, name):
    path = copy / name
    content = bytearray(path.read_bytes())
    for place in np.random.default_rng(0).integers(len(content), size=100):
        content[place] ^= 1
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match="another SHA-256"):
            Predictor(path)
        content[place] ^= 1
    path.write_bytes(content[:-1])
    with pytest.raises(ModelFileError, match=r"bytes instead of"):
        Predictor(path)


def test_a_damaged_part_of_a_saved_model_is_refused(copy):
    folder = copy / "saved_model" / "1"
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(ModelFileError, match=rf"{path.name}, which has another"):
            Predictor(folder)
        path.unlink()
        with pytest.raises(ModelFileError, match=r"is missing|folder must hold"):
            Predictor(folder)
        path.write_bytes(content)


def test_a_class_that_nobody_has_registered_is_no_damage(tmp_path):
    class Unknown(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    inputs = keras.Input((8, 8, 3))
    keras.Model(inputs, Unknown()(inputs)).save(tmp_path / "own.keras")
    with pytest.raises(ModelFileError, match=r"'Unknown'.*import the module that"):
        load_keras(tmp_path / "own.keras")


def test_the_command_says_it_and_a_benchmark_too(copy, capsys):
    path = copy / "model.tflite"
    path.write_bytes(path.read_bytes() + b"x")
    assert main(["predict", str(copy), "tests/samples/3.png"]) == 4
    assert "Copy or export it again" in capsys.readouterr().err
    arguments = ["benchmark", str(path), "--seconds", "0.1", "--threads", "1"]
    assert main(arguments) == 4
    assert "bytes instead of" in capsys.readouterr().err


def test_a_damaged_onnx_file_is_refused(tmp_path):
    path = write_onnx(tmp_path / "model.onnx")
    content = path.read_bytes()
    listed = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    card = ModelCard("small", "x", {}, tuple("abcd"), files={"model.onnx": listed})
    (tmp_path / "card.json").write_text(card.to_json())
    assert Predictor(path).class_names == tuple("abcd")
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ModelFileError, match="another SHA-256"):
        Predictor(path)
    other = path.rename(tmp_path / "other.onnx")  # which the card does not list
    other.write_bytes(content)
    assert Predictor(other).card is None


def test_an_onnx_file_has_its_card_inside(tmp_path):
    path = write_onnx(tmp_path / "model.onnx")
    onnx = pytest.importorskip("onnx")
    model = onnx.load(path)
    card = ModelCard("small", "x", {}, tuple("abcd"), crop_fraction=0.5)
    onnx.helper.set_model_props(model, {"other": "x", CARD_IN_ONNX: card.to_json()})
    onnx.save(model, path)
    found = Predictor(path)
    assert (found.class_names, found.card.crop_fraction) == (tuple("abcd"), 0.5)


def test_metadata_of_onnx_are_read_from_whatever_a_file_holds(tmp_path):
    onnx = pytest.importorskip("onnx")
    path = write_onnx(tmp_path / "model.onnx")
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"a": "1", "long": "x" * 100_000, "b": "\u00e9"})
    onnx.save(model, path)
    whole = path.read_bytes()
    assert read_metadata(path, "a", 10) == b"1"
    assert read_metadata(path, "b", 10) == "\u00e9".encode()
    assert read_metadata(path, "c", 10) is None
    assert read_metadata(path, "long", 10) is None
    assert read_metadata(path, "long", 1 << 20) == b"x" * 100_000
    rng = np.random.default_rng(0)
    for _ in range(300):  # damaged: an answer or none, and no error
        damaged = bytearray(whole[: rng.integers(1, len(whole))])
        for place in rng.integers(0, len(damaged), 3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        assert len(read_metadata(path, "a", 10) or b"") <= 10


@pytest.mark.parametrize("name", ["model.tflite", "model.keras", "saved_model/1"])
def test_two_cards_that_contradict_each_other_are_refused(copy, name):
    beside = copy / "card.json"
    values = json.loads(beside.read_text())
    beside.write_text(json.dumps(values | {"class_names": list("abcdefghij")}))
    with pytest.raises(ModelFileError, match=r"must say the same.* in class_names"):
        Predictor(copy / name)
    beside.write_text(json.dumps(values | {"crop_fraction": 0.5}))
    with pytest.raises(ModelFileError, match=r"must say the same.* in crop_fraction"):
        Predictor(copy / name)
    beside.write_text(json.dumps(values | {"name": "moved", "command": ""}))
    assert Predictor(copy / name).card.name == "toy"
    beside.unlink()
    assert Predictor(copy / name).card.name == "toy"


def test_a_card_that_lists_other_files_is_not_the_files_card(copy, tmp_path):
    (copy / "mine.keras").write_bytes((copy / "model.keras").read_bytes())
    beside = copy / "card.json"
    values = json.loads(beside.read_text())
    beside.write_text(json.dumps(values | {"class_names": list("abcdefghij")}))
    assert Predictor(copy / "mine.keras").class_names == tuple("0123456789")


def test_an_export_that_is_replaced_meanwhile_gives_one_of_the_two(copy, monkeypatch):
    other = shutil.copytree(copy, copy.with_name("other"))
    (other / "card.json").unlink()
    shutil.copy(other / "model_int8.tflite", other / "model.tflite")
    card = read_card(copy / "model.tflite")
    new = dataclasses.replace(card, class_names=tuple("abcdefghij"))
    with pytest.warns(UserWarning, match="Duplicate name"):
        embed_card(other / "model.tflite", new)
    image = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 1), np.uint8)
    expected = Predictor(other / "model.tflite").probabilities(image)
    swaps = []

    def swapping(path, opened=None):
        if not swaps:
            swaps.append(copy.rename(copy.with_name("old")))
            other.rename(copy)
        return read_card(path, opened)

    monkeypatch.setattr(opening, "read_card", swapping)
    predictor = Predictor(copy)
    assert predictor.class_names == tuple("abcdefghij")
    np.testing.assert_array_equal(predictor.probabilities(image), expected)


def test_an_export_that_comes_and_goes_again_gives_one_of_the_two(copy, monkeypatch):
    """The names are as before when the file is open; the card is the file's own."""
    (copy / "card.json").unlink()
    other = copy.with_name("other.tflite")
    shutil.copy(ROOT / "saved_models" / "digits" / "model.tflite", other)
    opened = opening.open_model

    def swapping(path, *rest):
        (copy / "model.tflite").rename(copy / "old")
        other.rename(copy / "model.tflite")
        model = opened(path, *rest)
        (copy / "model.tflite").rename(other)
        (copy / "old").rename(copy / "model.tflite")
        return model

    monkeypatch.setattr(opening, "open_model", swapping)
    assert Predictor(copy).card.name == "digits"


def test_an_export_that_never_stays_is_a_sentence(copy, monkeypatch):
    def touching(path, opened=None):
        path.touch()
        return read_card(path, opened)

    monkeypatch.setattr(opening, "read_card", touching)
    with pytest.raises(ModelFileError, match="must stay the same while it is opened"):
        Predictor(copy)


def test_a_file_that_was_replaced_later_is_still_the_one_that_was_opened(copy):
    predictor = Predictor(copy)
    image = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 1), np.uint8)
    expected = predictor.probabilities(image)
    shutil.rmtree(copy)
    predictor._run._worker()._give_up()  # as after a crash or a fork
    np.testing.assert_array_equal(predictor.probabilities(image), expected)


def test_versions_are_known_without_an_installed_package(monkeypatch):
    """From the source alone, or where it is `tensorflow-cpu` that is installed."""

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("swin_keras.model_files.card.version", missing)
    versions = installed_versions()
    assert versions["swin-keras"] == swin_keras.__version__
    assert versions["keras"] == keras.__version__
    assert versions["pillow"] == "unknown"


def test_the_version_is_known_of_a_package_with_another_name(monkeypatch):
    """Before it is imported: the cache of compiled steps has a folder for each."""

    def of_cpu(name):
        if name != "tensorflow-cpu":
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.21.0"

    names = {"tensorflow": ["tensorflow-cpu"]}
    monkeypatch.setattr("swin_keras.model_files.card.version", of_cpu)
    monkeypatch.setattr(
        "swin_keras.model_files.card.packages_distributions", lambda: names
    )
    assert installed_version("tensorflow") == "2.21.0"
    assert installed_version("not-there") == "unknown"
