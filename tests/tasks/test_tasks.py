"""Each task from data to an exported file, at toy size, through the same functions."""

import csv
import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
from idx_files import write_garments
from PIL import Image

from swin_keras.cli import main
from swin_keras.data.boxes import read_boxes
from swin_keras.errors import DataError, UsageError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.inference.evaluation import evaluate
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import read_card
from swin_keras.model_files.card_in_file import embed_card
from swin_keras.models import SwinConfig
from swin_keras.scores.class_maps import class_map
from swin_keras.tasks import TASKS, task_named
from swin_keras.tasks.detect import found_in
from swin_keras.tasks.wanted import wanted_of
from swin_keras.training import TrainConfig
from swin_keras.training.preparation import prepare
from swin_keras.training.train import train

TOY = {
    "data": "garments/48",
    "mixup": 0.0,
    "sizes": {
        "patch_size": 2,
        "embed_dim": 8,
        "depths": [1, 1],
        "num_heads": [1, 2],
        "drop_path_rate": 0.2,
    },
    "batch_size": 4,
    "train_images": 10,
    "jit_compile": False,
    "tensorboard": False,
}
HEADS = {
    "multi-label": {},
    "segment": {"head_sizes": {"channels": 8}},
    "detect": {"head_sizes": {"channels": 8, "convolutions": 1, "extra_levels": 1}},
}
TRAINED = tuple(HEADS)


@pytest.fixture(scope="module")
def garments_dir(tmp_path_factory):
    """Write Fashion-MNIST's four files with noise in the place of garments."""
    folder = tmp_path_factory.mktemp("idx")
    write_garments(folder)
    return folder


@pytest.fixture(scope="module")
def runs(garments_dir, tmp_path_factory):
    """Return a function that trains a task's toy, once for all tests."""
    folder, done = tmp_path_factory.mktemp("runs"), {}

    def run_of(task):
        if task not in done:
            done[task] = train(config_of(task, garments_dir, folder))
        return done[task]

    return run_of


@pytest.fixture(scope="module")
def changed(runs, tmp_path_factory):
    """Return a function that copies a task's run, whose model has more to say.

    After two epochs a detector is sure of nothing, and one class wins all of a mask.
    """
    changes, done = {"segment": make_lively, "detect": make_sure}, {}

    def folder_of(task):
        if task not in done:
            run, model = runs(task), load(runs(task))
            changes[task](model)
            done[task] = shutil.copytree(run.path, tmp_path_factory.mktemp(task) / task)
            path = done[task] / run.best_model.name
            model.save(path)
            embed_card(path, read_card(run.path))
        return done[task]

    return folder_of


def make_sure(detector):
    for weight in detector.weights:
        if weight.path.endswith("class_logits/bias"):
            weight.assign(weight + 4.0)


def make_lively(segmenter):
    """Make its classes equally likely."""
    rng = np.random.default_rng(0)
    kernel, bias = segmenter.get_layer("head_logits").weights
    kernel.assign(rng.normal(size=kernel.shape))
    images = rng.uniform(0, 255, (2, *segmenter.input_shape[1:])).astype("float32")
    bias.assign_sub(np.median(segmenter(images), axis=(0, 1, 2)))


@pytest.fixture(scope="module")
def exports(runs, changed, tmp_path_factory):
    """Return a function that exports a task's toy, once for all tests."""
    folder, done = tmp_path_factory.mktemp("saved_models"), {}

    def export_of(task):
        if task not in done:
            config = ExportConfig(saved_models_dir=str(folder), test_images=8)
            run = runs(task).path if task == "multi-label" else changed(task)
            done[task] = export(run, config)
        return done[task]

    return export_of


@pytest.fixture(scope="module")
def segmenter_export(changed, tmp_path_factory):
    """Return an export of the segmenter, as a LiteRT file alone."""
    folder = tmp_path_factory.mktemp("segmenter")
    config = ExportConfig(
        saved_models_dir=str(folder), formats=("litert",), verify=False
    )
    return export(changed("segment"), config)


@pytest.fixture
def picture(tmp_path):
    """Write a picture of another shape than the models' input; return its path."""
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(small).resize((80, 60), Image.Resampling.BICUBIC).save(path)
    return path


def config_of(task, garments_dir, folder, **changes):
    options = {**TOY, **HEADS[task], "epochs": 2, "name": task, **changes}
    return TrainConfig(
        task=task, data_dir=str(garments_dir), runs_dir=str(folder), **options
    )


def figures_of(run):
    return np.genfromtxt(run.metrics, delimiter=",", names=True)


def load(run):
    return keras.models.load_model(run.best_model, compile=False)


def weights_of(run):
    return load(run).get_weights()


@pytest.mark.parametrize("task", TRAINED)
def test_a_run_writes_its_report_and_a_card_that_names_the_task(runs, task):
    run = runs(task)
    card = read_card(run.path)
    assert card.task == task
    assert {"val_loss", "seconds"} < set(card.metrics)
    assert any(name.startswith("test_") for name in card.metrics)
    page = run.report.read_text()
    assert task_named(task).title in page
    assert (run.plots / "training_images.png").is_file()


@pytest.mark.parametrize(
    "task",
    [
        "multi-label",
        pytest.param("segment", marks=pytest.mark.slow),
        pytest.param("detect", marks=pytest.mark.slow),
    ],
)
def test_two_devices_give_what_one_gives(
    runs, garments_dir, tmp_path, task, train_mirrored
):
    one = runs(task)
    path = tmp_path / "config.yaml"
    path.write_text(config_of(task, garments_dir, tmp_path).to_yaml())
    train_mirrored(path)
    two = dataclasses.replace(one, path=tmp_path / "mirrored")
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(
            figures_of(two)[name], figures_of(one)[name], rtol=2e-5
        )
    # Of weights, those before a normalization are free to differ.
    model = load(one)
    shape = (2, *model.input_shape[1:])
    images = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
    expected = keras.tree.flatten(model(images))
    found = keras.tree.flatten(load(two)(images))
    for given, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_parts_of_a_batch_give_what_the_whole_gives(garments_dir, tmp_path):
    figures = []
    for parts in (1, 2):
        config = config_of(
            "detect",
            garments_dir,
            tmp_path,
            name=f"parts-{parts}",
            gradient_accumulation_steps=parts,
            sizes={**TOY["sizes"], "drop_path_rate": 0.0},
        )
        figures.append(figures_of(train(config))["val_loss"])
    np.testing.assert_allclose(*figures, rtol=1e-5)


@pytest.mark.parametrize(
    "task",
    [
        "multi-label",
        pytest.param("segment", marks=pytest.mark.slow),
        pytest.param("detect", marks=pytest.mark.slow),
    ],
)
def test_a_run_that_goes_on_ends_as_one_that_never_stopped(
    runs, garments_dir, tmp_path, task
):
    config = config_of(task, garments_dir, tmp_path)
    assert not train(config, part=range(1)).card.exists()
    resumed = train(config, resume=True)
    for given, expected in zip(
        weights_of(resumed), weights_of(runs(task)), strict=True
    ):
        np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize(
    "task",
    [
        pytest.param("multi-label", marks=pytest.mark.slow),
        pytest.param("segment", marks=pytest.mark.slow),
        "detect",
    ],
)
def test_exported_forms_are_checked_and_answer_about_pictures(exports, picture, task):
    folder = exports(task)
    card = read_card(folder)
    assert card.task == task
    assert {"keras", "saved_model", "litert", "litert-int8"} < set(card.checks)
    score = card.checks["keras"]["score"]
    assert score > 0
    assert card.checks["litert"]["score"] == pytest.approx(score, rel=0.01)
    (found,) = Predictor(folder / "model.tflite").predict([picture])
    assert found.error is None
    assert found.to_dict()["path"].endswith("picture.png")
    if task != "multi-label":
        assert len(found.rows()) > 1
    with Image.open(picture) as image:
        assert found.drawn(image).size[0] >= 80
    result = evaluate(folder, split="val")
    assert result.images == 4
    columns, *rows = result.table()
    assert all(len(row) == len(columns) for row in rows)
    assert 0 < result.score <= 1
    said = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert result.figures().keys() <= said.keys()
    assert said["images"] == 4


def test_boxes_are_named_from_the_score_that_is_asked_for(exports, picture, tmp_path):
    folder = exports("detect")
    predictor = Predictor(folder)
    (all_of_them,) = predictor.predict([picture], min_score=0)
    scores = [score for _, score in all_of_them.scores]
    assert wanted_of(predictor.task, 5).min_score == 0.3
    least = scores[len(scores) // 2]
    assert scores[-1] < least < scores[0]
    words = ["predict", folder, picture, "--min-score", least]
    for more, count in (("whole", len(all_of_them.scores) // 2 + 1), ("slide", None)):
        found = tmp_path / f"{more}.json"
        asked = [*words, "--window", more, "--coco", found]
        assert main([*map(str, asked)]) == 0
        boxes = json.loads(found.read_text())["annotations"]
        assert boxes
        assert all(box["score"] >= least for box in boxes)
        assert count in (None, len(boxes))
    for wrong in (-0.1, 1.5, float("nan"), "0.3"):
        with pytest.raises(UsageError, match="`min_score` must be between 0 and 1"):
            predictor.predict([picture], min_score=wrong)
    assert main([*map(str, words[:3]), "--min-score=2"]) == 2


@pytest.mark.slow
def test_views_are_options_of_evaluate(segmenter_export, runs, capsys):
    words = ["evaluate", segmenter_export, "--split", "val", "--json"]
    figures = []
    slid = ["--window", "slide", "--scales", "1", "2", "--quarter-turns"]
    for more in ([], ["--flip"], slid):
        assert main([*map(str, words), *more]) == 0
        figures.append(json.loads(capsys.readouterr().out)["confusion"])
    pixels = [np.sum(confusion) for confusion in figures]
    assert pixels[0] == pixels[1] == pixels[2]
    assert figures[0] != figures[2]
    one = evaluate(runs("detect").path, split="val")
    both = evaluate(runs("detect").path, split="val", flip=True)
    assert both.one.objects == one.one.objects > 0
    assert len(both.found) == len(one.found)
    assert both.many is not None
    with pytest.raises(UsageError, match="whose answers have places"):
        evaluate(runs("multi-label").path, split="val", flip=True)


def test_the_map_of_several_classes_is_that_of_evaluate(runs):
    run = runs("multi-label")
    rows = csv.DictReader(run.metrics.read_text().splitlines())
    kept = int(read_card(run.path).metrics["epoch"])
    figures = [float(row["val_pr_auc"]) for row in rows]
    result = evaluate(run.path, split="val")
    assert figures[kept - 1] == pytest.approx(result.score, abs=1e-6)


@pytest.mark.parametrize("task", ["segment", "detect"])
def test_sliding_windows_show_pictures_in_their_own_scale(
    changed, request, tmp_path, task
):
    if task == "segment":
        folder = request.getfixturevalue("segmenter_export")
    else:
        folder = request.getfixturevalue("exports")(task)
    height, width, _ = Predictor(folder).input_shape
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (2 * height, 2 * width, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    Image.fromarray(noise[:height, :width]).save(tmp_path / "own.png")
    for name in ("large.png", "own.png"):
        whole, slid = (
            next(Predictor(folder).predict(tmp_path / name, window=window))
            for window in ("whole", "slide")
        )
        assert min(len(whole.rows()), len(slid.rows())) > 1
        said, seen = set(slid.rows()), set(whole.rows())
        if name == "large.png":
            assert not said <= seen
        elif task == "segment":
            assert said == seen
        else:
            assert said <= seen  # without boxes that overlap too much
    words = ["predict", folder, tmp_path / "large.png", "--window", "slide"]
    assert main([str(word) for word in words]) == 0
    for model in (folder, changed(task)):  # final outputs, and raw ones
        assert evaluate(model, split="val", window="slide").images == 4


def test_boxes_are_written_as_coco_reads_them(exports, picture, tmp_path):
    folder, path = exports("detect"), tmp_path / "found.json"
    words = ["predict", folder, picture, "--coco", path, "--json"]
    assert main([str(word) for word in words]) == 0
    content = json.loads(path.read_text())
    (image,) = content["images"]
    assert (image["width"], image["height"]) == (80, 60)
    (found,) = Predictor(folder).predict([picture])
    said = found.to_dict()
    assert (said["width"], said["height"]) == (80, 60)
    names = {one["id"]: one["name"] for one in content["categories"]}
    assert len(content["annotations"]) == len(said["objects"]) > 0
    for one, other in zip(content["annotations"], said["objects"], strict=True):
        assert names[one["category_id"]] == other["class"]
        assert one["score"] == pytest.approx(other["score"])
        x, y, width, height = one["bbox"]
        box = [x, y, x + width, y + height]
        np.testing.assert_allclose(box, other["box"], atol=2e-3)
    boxes = read_boxes(tmp_path)  # as programs that correct boxes do
    assert sum(record.count for record in boxes.records) == len(said["objects"])


def test_coco_is_for_detectors(segmenter_export, picture, tmp_path, capsys):
    words = ["predict", segmenter_export, picture, "--coco", tmp_path / "a.json"]
    assert main([str(word) for word in words]) == 2
    assert "--coco writes the boxes of a detector" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "data", "words"),
    [
        ("segment", "classes", "judged on images with masks, but .* with classes"),
        ("detect", "classes", "judged on images with boxes, but .* with classes"),
        ("detect", "masks", "judged on images with boxes, but .* with masks"),
        ("segment", "boxes", "judged on images with masks, but .* with boxes"),
        pytest.param(
            "multi-label",
            "masks",
            "judged on images with classes, but .* with masks",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "multi-label",
            "boxes",
            "judged on images with classes, but .* with boxes",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_data_of_another_task_is_refused_in_a_sentence(
    runs, tmp_path, task, data, words
):
    places = {"classes": ["cat", "dog"], "masks": ["images", "masks"], "boxes": ["."]}
    for folder in places[data]:
        (tmp_path / folder).mkdir(exist_ok=True)
        Image.new("L", (20, 20), 1).save(tmp_path / folder / "a.png")
    if data == "boxes":
        image = {"id": 1, "file_name": "a.png", "width": 20, "height": 20}
        box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 10]}
        content = {"images": [image], "annotations": [box]}
        content["categories"] = [{"id": 1, "name": "cat"}]
        (tmp_path / "boxes.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=words):
        evaluate(runs(task).path, tmp_path)


def mediapipe_image(path):
    """Return MediaPipe, what detects and segments, and a picture's `Image`."""
    mediapipe = pytest.importorskip("mediapipe", reason="needs the extra `mediapipe`")
    from mediapipe.tasks.python import BaseOptions, vision

    pixels = np.array(Image.open(path).convert("RGB"))
    image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
    return BaseOptions, vision, image


def resized_to_input(picture, folder):
    """Write a picture in a model's own size: resizing differs from MediaPipe's."""
    height, width, _ = Predictor(folder).input_shape
    with Image.open(picture) as image:
        image.resize((width, height)).save(picture)
    return picture


def test_mediapipe_gives_the_mask_of_an_exported_segmenter(segmenter_export, picture):
    folder = segmenter_export
    picture = resized_to_input(picture, folder)
    base_options, vision, image = mediapipe_image(picture)
    options = vision.ImageSegmenterOptions(
        base_options=base_options(model_asset_path=str(folder / "model.tflite")),
        output_category_mask=True,
        output_confidence_masks=True,
    )
    with vision.ImageSegmenter.create_from_options(options) as segmenter:
        assert tuple(segmenter.labels) == read_card(folder).class_names
        found = segmenter.segment(image)
        masks = [mask.numpy_view().squeeze() for mask in found.confidence_masks]
        mask = found.category_mask.numpy_view().squeeze().copy()
        maps = np.stack(masks, axis=-1)
    (expected,) = Predictor(folder).predict([picture])
    assert len(np.unique(expected.mask)) > 1
    # Where two classes are equally likely, rounding decides: not in the surer half.
    second, best = np.moveaxis(np.sort(maps, axis=-1)[..., -2:], -1, 0)
    is_sure = best - second >= np.median(best - second)
    said = class_map(maps, expected.mask.shape)
    assert (said == expected.mask)[is_sure].mean() > 0.99
    assert (mask == expected.mask)[is_sure].mean() > 0.99


def test_mediapipe_gives_the_boxes_of_an_exported_detector(exports, picture):
    file = exports("detect") / "model.tflite"
    picture = resized_to_input(picture, file)
    base_options, vision, image = mediapipe_image(picture)
    options = vision.ObjectDetectorOptions(
        base_options=base_options(model_asset_path=str(file))
    )
    with vision.ObjectDetector.create_from_options(options) as detector:
        found = detector.detect(image).detections
    predictor = Predictor(file)
    pixels = np.array(Image.open(picture).convert("RGB"))
    outputs = {
        name: values[0] for name, values in predictor.outputs(pixels[None]).items()
    }
    expected, _ = found_in(outputs, predictor, pixels.shape[:2])
    assert len(expected.boxes) > 0
    # MediaPipe gives one box all the classes that a point has.
    scores = {}
    for place, box in enumerate(expected.boxes.tolist()):
        names = scores.setdefault(tuple(box), {})
        names[predictor.class_names[expected.classes[place]]] = expected.scores[place]
    boxes = list(scores)
    assert len(found) == len(boxes)
    for place, detection in enumerate(found):
        given = {c.category_name: c.score for c in detection.categories}
        assert given == pytest.approx(scores[boxes[place]], abs=1e-4)
        box = detection.bounding_box
        told = box.origin_x, box.origin_y, box.width, box.height
        left, top, right, bottom = boxes[place]
        rest = np.subtract((left, top, right - left, bottom - top), told)
        assert ((rest > -1e-3) & (rest < 1 + 1e-3)).all()  # parts of pixels are cut off


def test_a_mask_has_the_size_of_its_picture_and_is_saved_as_indices(runs, tmp_path):
    picture = np.zeros((50, 70, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    run = runs("segment")
    words = ["predict", run.path, tmp_path / "a.png", "--save", tmp_path / "out"]
    assert main([str(word) for word in words]) == 0
    mask = np.asarray(Image.open(tmp_path / "out" / "a.png"))
    assert mask.shape == (50, 70)
    assert mask.max() <= 10
    assert (tmp_path / "out" / "a.jpg").is_file()


@pytest.mark.slow
def test_xla_gives_the_loss_of_the_graph(garments_dir, tmp_path):
    losses = []
    for compiles in (False, True):
        config = config_of("detect", garments_dir, tmp_path, jit_compile=compiles)
        keras.utils.set_random_seed(0)
        job = prepare(config)
        batch = next(iter(job.training_batches()))
        losses.append(float(job.training_model.train_on_batch(*batch)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_knows_its_name_and_says_what_it_cannot(name):
    task = task_named(name)
    assert task.name == name
    if name == "features":
        with pytest.raises(UsageError, match="'features' cannot be trained"):
            task.loss(None, None, None)


def test_unknown_names_are_refused_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'segment'"):
        TrainConfig(task="segmentt")
    with pytest.raises(UsageError, match="val_mean_iou"):
        TrainConfig(task="segment", monitor="val_accuracy")
    with pytest.raises(UsageError, match=r"segment-small\. Received: 'detect"):
        TrainConfig(task="segment", preset="detect-small")
    with pytest.raises(UsageError, match="Received: 'segment'"):
        TrainConfig(preset="segment")
    assert main(["train", "--multi-label", "--task", "segment"]) == 2


@pytest.mark.parametrize(
    ("task", "option"),
    [
        ("classify", {"dice": 1.0}),
        ("multi-label", {"class_weights": "balanced"}),
        ("segment", {"mixup": 0.2}),
        ("detect", {"dice": 0.5}),
        ("segment", {"shift": 0.1}),
        ("detect", {"min_crop_area": 0.2}),
        ("segment", {"crop_fraction": 0.5}),
        ("classify", {"scale_range": (0.9, 1.1)}),
        ("classify", {"box_format": "coco"}),
        ("classify", {"reduce_zero_label": True}),
        ("segment", {"label_pattern": "(?P<label>.)"}),
        ("segment", {"box_format": "coco"}),
        ("detect", {"reduce_zero_label": True}),
    ],
)
def test_options_that_a_task_would_not_obey_are_refused(
    garments_dir, tmp_path, task, option
):
    config = TrainConfig(
        task=task,
        data="garments/48",
        data_dir=str(garments_dir),
        batch_size=4,
        **option,
    )
    (name,) = option
    with pytest.raises(UsageError, match=f"`{name}` means nothing to the task"):
        task_named(task).check_options(config)


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("segment", {"head": "light"}, "A head must be one of 'mlp'"),
        ("segment", {"head": "unet", "head_sizes": {"channels": 8}}, "A U-Net has the"),
        ("segment", {"head_sizes": {"chanels": 8}}, "Did you mean 'channels'"),
        ("detect", {"head": "unet"}, "head must be one of light, full"),
        ("detect", {"head_sizes": {"chanels": 8}}, "Did you mean 'channels'"),
        ("detect", {"head_sizes": {"channels": "many"}}, "must be a whole number"),
        ("segment", {"head": "unet", "auxiliary": True}, "no auxiliary head"),
        ("segment", {"auxiliary": True}, "at least two stages"),
        ("detect", {}, "must begin at a stage"),
    ],
)
def test_a_head_that_does_not_go_is_refused_before_it_is_built(task, options, message):
    backbone = SwinConfig(depths=(1,), num_heads=(1,))
    with pytest.raises(UsageError, match=message):
        task_named(task).check_model(backbone, TrainConfig(task=task, **options))
