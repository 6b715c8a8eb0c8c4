"""One's own images with everything that can be said of them, from end to end."""

import json

import numpy as np
import pytest
from PIL import Image
from toy_runs import folder_of_images

from swin_keras.data import load_image
from swin_keras.exporting.images import comparison_images, data_at_hand, evaluator
from swin_keras.inference.annotate import annotated_by
from swin_keras.inference.evaluation import evaluate
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files.card import ModelCard
from swin_keras.training.config import TrainConfig
from swin_keras.training.preparation import load_data
from swin_keras.training.train import train
from swin_keras.weights import convert

TOY = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4}
RANGE = [0.0, 4095.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("lab"))


def write_pictures(root):
    """Write 12-bit pictures named by their class, and a table of them."""
    rng = np.random.default_rng(0)
    rows = ["file,label"]
    for number, name in enumerate(("dark", "light")):
        for index in range(10):
            pixels = rng.integers(0, 2000, (32, 32)) + 2000 * number
            Image.fromarray(pixels.astype("uint16")).save(root / f"{name}{index}.png")
            rows.append(f"{name}{index}.png,{name}")
    (root / "labels.csv").write_text("\n".join(rows))
    return root


def config_of(folder, runs_dir, epochs):
    return TrainConfig(
        data=str(folder / "labels.csv"),
        grey_range=RANGE,
        on_bad="skip",
        runs_dir=str(runs_dir),
        name="lab",
        sizes=TOY,
        image_size=16,
        epochs=epochs,
        batch_size=8,
        jit_compile=False,
        tensorboard=False,
    )


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    return train(config_of(folder, tmp_path_factory.mktemp("runs"), epochs=1))


@pytest.mark.slow
def test_a_run_goes_on_when_what_it_skipped_is_removed(tmp_path):
    (tmp_path / "lab").mkdir()
    folder = write_pictures(tmp_path / "lab")
    table, broken = folder / "labels.csv", folder / "broken.png"
    complete = table.read_text()
    table.write_text(f"{complete}\nbroken.png,dark")
    broken.write_bytes((folder / "dark0.png").read_bytes()[:300])
    config = config_of(folder, tmp_path / "runs", epochs=2)
    train(config, part=range(1))
    table.write_text(complete)
    broken.unlink()  # as the log told to
    run = train(config, resume=True)
    rows = run.metrics.read_text().splitlines()
    assert len(rows) == 3
    assert "broken.png" in run.log.read_text()


def test_the_range_travels_in_the_card_and_is_used_by_all(run, folder):
    predictor = Predictor(run.path)
    assert predictor.grey_range == tuple(RANGE)
    path = folder / "light3.png"
    image = load_image(path, (16, 16), grey_range=RANGE)
    assert image.mean() > 150  # and not 11, as without the range
    (prediction,) = predictor.predict([path])
    expected = predictor.probabilities(image[None])[0]
    scores = dict(prediction.scores)
    found = [scores[name] for name in predictor.class_names]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    dataset = data_at_hand(predictor.card)
    for split in dataset.splits.values():
        assert split.grey_range == tuple(RANGE)
    result = evaluate(run.path)
    whole = dataset.split("test")
    images = [load_image(whole.source(i), (16, 16), grey_range=RANGE) for i in range(2)]
    best = predictor.probabilities(np.stack(images)).argmax(-1)
    assert result.accuracy == pytest.approx((best == whole.labels).mean())


def test_export_compares_on_images_of_that_range(run, folder, tmp_path):
    config = type("Config", (), {"images": str(folder)})
    images, real = comparison_images(config, run.path, Predictor(run.path).card)
    assert real
    assert images.max() > 200


def test_a_card_keeps_the_range_and_refuses_what_is_none():
    card = ModelCard("x", "y", {}, ("a",), grey_range=[0, 4095])
    assert ModelCard.from_json(card.to_json()).grey_range == (0, 4095)
    old = {k: v for k, v in json.loads(card.to_json()).items() if k != "grey_range"}
    assert ModelCard.from_json(json.dumps(old)).grey_range is None
    for bad in ("text", [3], [2, 1], {"a": 1}):
        values = {**json.loads(card.to_json()), "grey_range": bad}
        with pytest.raises(ValueError, match="grey_range"):
            ModelCard.from_json(json.dumps(values))


@pytest.mark.slow
def test_data_that_has_changed_since_judges_no_model_without_a_word(
    run, folder, caplog
):
    caplog.set_level("INFO")
    card = Predictor(run.path).card
    config = type("Config", (), {"test_images": 8})
    evaluate(run.path)
    assert "has changed since" not in caplog.text
    assert evaluator(config, card)(run.best_model).images == 2
    table, image = folder / "labels.csv", folder / "dark10.png"
    before = table.read_text()
    try:
        image.write_bytes((folder / "dark9.png").read_bytes())
        table.write_text(f"{before}\ndark10.png,dark")
        evaluate(run.path)
        assert "labels has changed since. It may know some of them" in caplog.text
        assert evaluator(config, card) is None
        assert "no accuracy: labels has changed" in caplog.text
    finally:
        table.write_text(before)
        image.unlink()


@pytest.mark.slow
def test_the_range_is_used_for_what_is_drawn_and_judged(run, folder, tmp_path):
    """Also of a converted model, whose card says no more of its training."""
    predictor = Predictor(run.path)
    (prediction,) = predictor.predict([folder / "light3.png"])
    drawn = annotated_by(prediction, grey_range=predictor.grey_range)
    assert np.asarray(drawn.convert("L")).max() > 150
    path = convert(run.path / "best.keras", tmp_path / "converted.keras")
    assert Predictor(path).grey_range == tuple(RANGE)
    own, other = (
        evaluate(model, folder / "labels.csv", on_bad="skip").accuracy
        for model in (run.path, path)
    )
    assert own == other


def in_yolo(root):
    """Write pictures of one object each, and its box beside each."""
    folder_of_images(root, classes=["spot"])
    for picture in [*root.glob("spot/*")]:
        picture.rename(root / picture.name)
        (root / f"{picture.stem}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    (root / "spot").rmdir()
    (root / "classes.txt").write_text("spot\n")
    return root


@pytest.mark.parametrize(
    ("write", "options"), [(folder_of_images, {}), (in_yolo, {"task": "detect"})]
)
def test_a_run_within_its_own_data_is_no_data(write, options, tmp_path, monkeypatch):
    monkeypatch.chdir(write(tmp_path / "photos"))
    options |= {"name": "a", "image_size": 32, "sizes": TOY, "batch_size": 8}
    options |= {"jit_compile": False, "tensorboard": False}
    config = TrainConfig(data=".", epochs=1, **options)
    before = load_data(config)
    train(config)
    after = load_data(config)
    assert after.class_names == before.class_names
    assert after.fingerprint() == before.fingerprint()
    left_out = "1 left out: folders of runs, exports or studies (runs/a)."
    assert left_out in after.notes
    assert left_out not in before.notes
    run = train(TrainConfig(data=".", epochs=2, **options), resume=True)
    assert run.read_config().epochs == 2
