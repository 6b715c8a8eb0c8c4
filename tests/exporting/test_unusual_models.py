"""Models that do less than is usual: no softmax, no scaling; or that are quantized."""

import dataclasses
import os
import shutil

import keras
import numpy as np
import pytest
from idx_files import write_garments
from PIL import Image

import swin_keras
from swin_keras.cli import main
from swin_keras.data import BatchLoader, load_trained
from swin_keras.errors import ModelFileError, UsageError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.exporting.images import (
    calibration_images,
    comparison_images,
    data_at_hand,
)
from swin_keras.exporting.inference_model import named_outputs
from swin_keras.exporting.readme import readme_text
from swin_keras.litert.quantize import quantize_static
from swin_keras.model_files import read_card
from swin_keras.model_files.card import ModelCard
from swin_keras.model_files.keras_file import as_functional
from swin_keras.models import SwinClassifier, SwinConfig
from swin_keras.models.conventions import ends_in_logits, ends_in_shares
from swin_keras.models.summary import summarize
from swin_keras.tasks import task_named
from swin_keras.weights import convert

TOY = SwinConfig(
    input_shape=(16, 16, 3),
    patch_size=4,
    embed_dim=8,
    depths=(1, 1),
    num_heads=(1, 2),
    window_size=2,
)


@pytest.fixture
def save(tmp_path):
    """Return a function that saves a toy classifier; it returns the path."""

    def save_toy(name="toy", **options):
        path = tmp_path / f"{name}.keras"
        SwinClassifier(TOY, classes=3, **options).save(path)
        return path

    return save_toy


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(5):
        pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def test_paths_may_begin_at_home(save, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save()
    config = ExportConfig(
        saved_models_dir="~/out",
        images="~/photos",
        calibration="~/photos",
        formats=(),
        verify=False,
    )
    folder = export("~/toy.keras", config)
    assert folder == tmp_path / "out" / "toy"
    assert len(calibration_images(config, read_card(folder))) == 5


def test_paths_that_are_not_utf_8_are_written_out(save, photos, tmp_path):
    odd = tmp_path / os.fsdecode(b"s\xe4mples")
    photos.rename(odd)
    shutil.move(save(), odd / "toy.keras")
    options = {"images": str(odd), "formats": ()}
    config = ExportConfig(saved_models_dir=str(tmp_path / "out"), **options)
    folder = export(odd / "toy.keras", config)
    assert f"--images '{tmp_path}/s\\udce4mples'" in (folder / "README.md").read_text()
    assert f"export '{odd}/toy.keras'" in read_card(folder).command
    for directory in (odd, odd / "out"):
        with pytest.raises(
            UsageError, match=r"must have another name: .*s\\udce4mples"
        ):
            export(
                odd / "toy.keras",
                ExportConfig(saved_models_dir=str(directory), **options),
            )
    assert not (odd / "out").exists()


def test_data_at_home_are_at_hand(photos, tmp_path, monkeypatch):
    """A configuration's `data: ~/pets` is as it was written."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("cat", "dog"):
        shutil.copytree(photos, tmp_path / "pets" / name)
    write_garments(tmp_path)
    card = ModelCard("pets", "toy", {}, ("cat", "dog"))
    here = {"data": "~/pets"}, {"data": "fashion_mnist", "data_dir": "~"}
    for train in here:
        found = data_at_hand(dataclasses.replace(card, train=train))
        assert found is not None, train
    away = dataclasses.replace(card, train={"data": "~/birds"})
    assert data_at_hand(away) is None


def test_without_a_folder_calibration_is_on_training_images_of_all_classes(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(45):
            pixels = rng.integers(0, 256, (20, 26, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number}.png")
    card = ModelCard("pets", "toy", {"input_shape": [16, 18, 3]}, ("cat", "dog"))
    train = {"data": str(tmp_path / "pets"), "val_fraction": 0.1, "test_fraction": 0.1}
    card = dataclasses.replace(card, train=train, crop_fraction=0.75)
    split = load_trained(train).splits["train"]
    loader = BatchLoader(split, len(split), (16, 18), 3, crop_fraction=0.75)
    pixels, labels = loader(0)
    label_of = {
        image.tobytes(): label for image, label in zip(pixels, labels, strict=True)
    }
    assert len(label_of) == len(split) > 60
    found = calibration_images(ExportConfig(), card)
    assert found.shape == (32, 16, 18, 3)
    chosen = {image.tobytes() for image in found}
    assert len(chosen) == 32
    counts = np.bincount([label_of[image] for image in chosen])
    assert counts.min() > 8


def test_logits_are_not_called_probabilities(save, photos, tmp_path, caplog):
    path = save(classifier_activation=None)
    config = ExportConfig(
        saved_models_dir=str(tmp_path), name="out", formats=("litert",), verify=False
    )
    folder = export(path, config)
    assert "not end in a softmax or sigmoid, so its files give raw" in caplog.text
    readme = (folder / "README.md").read_text("utf-8")
    assert "such as a logit" in readme
    assert "probabilities" not in readme
    assert b"TFLITE_METADATA" not in (folder / "model.tflite").read_bytes()
    for model in (path, folder):
        caplog.clear()
        (first, *_) = swin_keras.Predictor(model).predict(photos)
        assert "its numbers are no probabilities" in caplog.text
        assert len(first.scores) == 3
    caplog.clear()
    swin_keras.Predictor(save("usual"))
    assert not caplog.records


@pytest.mark.slow
@pytest.mark.parametrize(
    "ending", [keras.layers.Softmax(), keras.layers.Activation("sigmoid")]
)
def test_the_endings_that_are_advised_make_probabilities(
    ending, save, tmp_path, caplog
):
    model = keras.models.load_model(save(classifier_activation=None))
    ended = keras.Model(model.input, ending(model.output))
    ended.save(tmp_path / "ended.keras")
    config = ExportConfig(
        saved_models_dir=str(tmp_path), name="out", formats=("litert",), verify=False
    )
    folder = export(tmp_path / "ended.keras", config)
    assert "not end in a softmax" not in caplog.text
    assert "probabilities" in (folder / "README.md").read_text("utf-8")
    images = np.full((1, 16, 16, 3), 90.0)
    rows = swin_keras.Predictor(folder).probabilities(images)
    logits = model(images, training=False)
    np.testing.assert_allclose(rows, ending(logits), rtol=1e-4)


def test_what_a_model_does_not_scale_is_said_and_what_it_does_is_not(
    save, tmp_path, caplog, recwarn
):
    path = save(include_preprocessing=False)
    convert(path, tmp_path / "converted.keras")
    for model in (path, tmp_path / "converted.keras"):
        caplog.clear()
        predictor = swin_keras.Predictor(model)
        assert not predictor.normalizes
        assert "has no layer that normalizes images" in caplog.text
        predictor.probabilities(np.random.default_rng(0).normal(size=(2, 16, 16, 3)))
    assert not [w for w in recwarn if "scales them" in str(w.message)]
    config = ExportConfig(
        saved_models_dir=str(tmp_path), formats=("litert", "litert-int8-static")
    )
    with pytest.raises(UsageError, match="does not normalize them itself"):
        export(path, config)


@pytest.mark.slow
def test_ranges_are_found_with_a_file_of_any_batch(save, photos, tmp_path):
    config = ExportConfig(
        saved_models_dir=str(tmp_path),
        name="four",
        formats=("litert", "litert-int8-static"),
        batch_size=4,
        calibration=str(photos),
        verify=False,
    )
    folder = export(save(), config)
    # MediaPipe gives one picture at a time.
    assert b"TFLITE_METADATA" not in (folder / "model.tflite").read_bytes()
    one, static = (
        swin_keras.Predictor(folder / name)
        for name in ("model.tflite", "model_int8_static.tflite")
    )
    images = np.stack([np.asarray(Image.open(p)) for p in sorted(photos.iterdir())])
    quantize_static(folder / "model.tflite", tmp_path / "black.tflite", 0 * images)
    black = swin_keras.Predictor(tmp_path / "black.tflite", trust=True)
    expected = one.probabilities(images)
    off, off_by_black = (
        np.abs(predictor.probabilities(images) - expected).max()
        for predictor in (static, black)
    )
    assert 0 < off < off_by_black / 2
    with pytest.raises(UsageError, match="images of the model's size"):
        quantize_static(folder / "model.tflite", tmp_path / "x", images[:, :8])


@pytest.mark.slow
def test_the_command_makes_the_same_again(save, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = ExportConfig(
        name="a b", formats=("litert",), batch_size=2, verify=False, overwrite=True
    )
    card = swin_keras.Predictor(export(save(), config)).card
    assert card.command == (
        f"swin-keras export {tmp_path}/toy.keras --name 'a b' --formats litert "
        "--batch-size 2 --no-verify"
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")  # of norms: they have none
def test_a_quantized_model_is_refused_in_words(tmp_path):
    model = SwinClassifier(TOY, classes=3)
    model.quantize("int8")
    model.save(tmp_path / "q.keras")
    with pytest.raises(UsageError, match="exported before its weights are quantized"):
        export(tmp_path / "q.keras", ExportConfig(saved_models_dir=str(tmp_path)))


def test_a_saved_model_of_any_size_is_refused_in_words(tmp_path):
    images = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(images)
    model = keras.Model(images, keras.layers.Dense(2, activation="softmax")(x))
    model.export(tmp_path / "any", verbose=False)
    with pytest.raises(ModelFileError, match="images of one size"):
        swin_keras.Predictor(tmp_path / "any")


def test_no_image_is_refused_in_words(save):
    with pytest.raises(UsageError, match="Received none"):
        swin_keras.Predictor(save()).probabilities(np.zeros((0, 16, 16, 3)))


def test_layers_of_several_outputs_are_summed_up():
    x = keras.Input((4, 8))
    attention = keras.layers.MultiHeadAttention(2, 4)
    out, _ = attention(x, x, return_attention_scores=True)
    (part,) = summarize(keras.Model(x, out))
    assert part.parameters == attention.count_params()
    assert part.output_shape == (4, 8)


@pytest.mark.parametrize(
    ("channels", "grey_range", "words"),
    [
        (1, (0, 4095), "0 becomes 0 and 4095 becomes 255"),
        (3, (0, 4095), "0 becomes 0 and 4095 becomes 255"),
        (1, None, "of 16 bits, the upper eight are taken"),
        (3, None, ""),
    ],
)
def test_the_readme_says_what_becomes_of_deep_greys(channels, grey_range, words):
    config = {"input_shape": [16, 16, channels]}
    text = readme_text(ModelCard("x", "y", config, ("a", "b"), grey_range=grey_range))
    assert words in text
    assert ("grey pictures" in text) == bool(words)


def test_feature_maps_see_pictures_as_they_were_trained(photos):
    """Whole ones, stretched, of a segmenter; the middle of a classifier's."""
    card = ModelCard("x", "y", {"input_shape": [8, 32, 3]}, (), task="features")
    trained = ModelCard(
        "x", "y", card.model, (), task="features", train={"task": "segment"}
    )
    task = task_named("features")
    assert "around the centre" in task.about_pictures(card)
    assert task.about_pictures(trained) == task_named("segment").about_pictures(trained)
    config = ExportConfig(images=str(photos))
    (middle, _), (whole, _), (seen, _) = (
        comparison_images(config, photos, one)
        for one in (card, trained, dataclasses.replace(trained, task="segment"))
    )
    np.testing.assert_array_equal(whole, seen)
    assert (whole != middle).any()


def test_an_output_in_a_list_is_an_output(save, photos, tmp_path):
    model = keras.models.load_model(save(name="plain"))
    keras.Model(model.input, [model.output]).save(tmp_path / "listed.keras")
    config = ExportConfig(saved_models_dir=str(tmp_path), name="out", formats=())
    folder = export(tmp_path / "listed.keras", config)
    pictures = sorted(photos.iterdir())
    given = swin_keras.Predictor(tmp_path / "listed.keras").predict(pictures)
    exported = swin_keras.Predictor(folder / "model.keras").predict(pictures)
    for one, other in zip(given, exported, strict=True):
        assert dict(one.scores) == pytest.approx(dict(other.scores), rel=1e-4)


def test_two_outputs_in_a_list_are_refused_in_words(save, tmp_path):
    model = keras.models.load_model(save(name="plain"))
    keras.Model(model.input, [model.output, model.layers[-2].output]).save(
        tmp_path / "two.keras"
    )
    config = ExportConfig(saved_models_dir=str(tmp_path), name="out")
    with pytest.raises(UsageError, match="An exported model must be a classifier"):
        export(tmp_path / "two.keras", config)
    with pytest.raises(ModelFileError, match="output_0"):
        swin_keras.Predictor(tmp_path / "two.keras")


def test_an_export_is_exported_again(save, tmp_path):
    first = ExportConfig(
        saved_models_dir=str(tmp_path), name="first", formats=("saved_model",)
    )
    folder = export(save(), first)
    assert "saved_model" in read_card(folder).checks
    again = dataclasses.replace(first, name="again", formats=(), verify=False)
    card = read_card(export(folder, again))
    assert not card.checks
    assert "saved_model" not in " ".join(card.files)
    whole = dataclasses.replace(again, name="whole", verify=True)
    assert list(read_card(export(folder, whole)).checks) == ["keras"]


def test_numbers_that_are_no_shares_are_shown_as_they_are(save, photos, capsys):
    path = save(classifier_activation=None)
    assert main(["predict", str(path), str(photos)]) == 0
    shown = capsys.readouterr().out
    assert "output" in shown
    assert "%" not in shown


def test_a_mask_has_room_for_255_classes():
    segment = task_named("segment")
    assert segment.class_count({"probabilities": (8, 8, 255)}) == 255
    with pytest.raises(ValueError, match="Masks have 8 bits"):
        segment.class_count({"probabilities": (8, 8, 256)})


@pytest.mark.parametrize("end", ["softmax", "sigmoid"])
def test_a_function_at_the_end_is_seen_as_a_layer_is(tmp_path, end):
    inputs = keras.Input((16, 16, 3))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    outputs = getattr(keras.activations, end)(keras.layers.Dense(3)(flat))
    model = keras.Model(inputs, outputs)
    assert list(named_outputs(model)) == ["probabilities"]
    model.save(tmp_path / "own.keras")
    predictor = swin_keras.Predictor(tmp_path / "own.keras")
    said = predictor.probabilities(np.full((1, 16, 16, 3), 100, np.uint8))
    assert ((said > 0) & (said < 1)).all()
    assert not predictor.gives_logits


def wrapped(model):
    image = keras.Input((16, 16, 3))
    return keras.Model(image, model(image))


def in_sequence(model):
    return as_functional(keras.Sequential([keras.Input((16, 16, 3)), model]))


@pytest.mark.parametrize("wrap", [wrapped, in_sequence, lambda m: wrapped(wrapped(m))])
def test_the_end_of_a_model_in_a_model_is_seen(wrap):
    shares = wrap(SwinClassifier(TOY, classes=3))
    raw = wrap(SwinClassifier(TOY, classes=3, classifier_activation=None))
    features = wrap(SwinClassifier(TOY, include_top=False))
    models = shares, raw, features
    assert [*map(ends_in_shares, models)] == [True, False, False]
    assert [*map(ends_in_logits, models)] == [False, True, False]


def test_a_sequential_model_is_a_model(photos, tmp_path):
    layers = [
        keras.Input((16, 16, 3)),
        keras.layers.Flatten(),
        keras.layers.Dense(3, "softmax"),
    ]
    path = tmp_path / "s.keras"
    keras.Sequential(layers).save(path)
    said = next(swin_keras.Predictor(path).predict(photos))
    assert abs(sum(share for _, share in said.scores) - 1) < 1e-5
    folder = export(path, ExportConfig(saved_models_dir=str(tmp_path), formats=()))
    assert list(read_card(folder).outputs) == ["probabilities"]


def test_a_normalization_that_counted_is_no_quantized_layer(photos, tmp_path):
    pixels = np.stack([np.asarray(Image.open(path)) for path in photos.iterdir()])
    scaled = keras.layers.Normalization()
    scaled.adapt(pixels.astype("float32"))
    image = keras.Input((16, 16, 3))
    toy = SwinClassifier(TOY, classes=3, include_preprocessing=False)
    model = keras.Model(image, toy(scaled(image)))
    model.save(tmp_path / "n.keras")
    config = ExportConfig(saved_models_dir=str(tmp_path), formats=("saved_model",))
    folder = export(tmp_path / "n.keras", config)
    assert list(read_card(folder).outputs) == ["probabilities"]
    (said,) = swin_keras.Predictor(folder / "saved_model").outputs(pixels).values()
    np.testing.assert_allclose(said, model(pixels.astype("float32")), atol=1e-6)


def test_cards_that_contradict_each_other_are_not_exported(save, tmp_path):
    options = {"saved_models_dir": str(tmp_path), "formats": (), "verify": False}
    folder = export(save(), ExportConfig(name="first", **options))
    card = read_card(folder)
    changed = dataclasses.replace(card, class_names=card.class_names[::-1])
    (folder / "card.json").write_text(changed.to_json())
    with pytest.raises(ModelFileError, match="differ in class_names"):
        export(folder, ExportConfig(name="again", **options))


def test_feature_maps_of_a_detector_have_no_boxes():
    """However the pictures come to them."""
    model = {"input_shape": [8, 32, 3]}
    train = {"task": "detect"}
    card = ModelCard("x", "y", model, (), task="features", letter_box=True, train=train)
    text = task_named("features").about_pictures(card)
    assert "black is put equally at two sides" in text
    assert "serve" not in text
    assert "boxes" not in text


def test_a_certain_class_does_not_make_rounding_a_difference():
    """The last bit of a probability near 1 is a large step of its logit."""
    given = np.float32([[0.99999, 0.3, 1e-6]])
    rounded = np.nextafter(np.nextafter(given, np.float32(2)), np.float32(2))
    compare = task_named("multi-label").compared
    (one, unit), (other, _) = compare({"p": given}), compare({"p": rounded})
    assert np.abs(one - other).max() / unit < 1e-5
    wrong, _ = compare({"p": np.float32([[0.99999, 0.31, 1e-6]])})
    assert np.abs(one - wrong).max() / unit > 1e-3
