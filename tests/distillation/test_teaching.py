"""Runs with a teacher: the same from a cache, on several devices and when resumed."""

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from swin_keras.errors import DataError, ModelFileError, UsageError
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import save_keras
from swin_keras.tasks import task_named
from swin_keras.training import TrainConfig
from swin_keras.training.dry_run import dry_run
from swin_keras.training.preparation import prepare
from swin_keras.training.run_folder import RunFolder
from swin_keras.training.train import train

sys.path.append(str(Path(__file__).parents[1] / "training"))
from toy_runs import EVERYTHING, outcome, write_config

SIZES = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
OPTIONS = EVERYTHING | {"sizes": SIZES, "epochs": 1, "seed": 3}


@pytest.fixture
def config(digits_dir, trained_run, tmp_path):
    """Return a function that makes a student's configuration."""

    def make(**options):
        fixed = {"data_dir": str(digits_dir), "runs_dir": str(tmp_path / "runs")}
        return TrainConfig(**fixed | {"teacher": str(trained_run.path)} | options)

    return make


def first_targets(job):
    _, targets, _ = next(iter(job.training_batches()))
    return targets


def test_the_teacher_answers_about_the_very_images_of_the_student(config, trained_run):
    job = prepare(config(**OPTIONS))
    images, targets, _ = next(iter(job.training_batches()))
    said = Predictor(trained_run.path).probabilities(images.numpy())
    np.testing.assert_allclose(np.exp(targets["teacher"]), said, rtol=2e-2, atol=1e-6)
    assert targets["labels"].shape == (64, 10)


@pytest.mark.slow
def test_answers_from_disk_are_the_same_and_the_teacher_is_not_asked(
    config, tmp_path, monkeypatch
):
    plain = outcome(train(config(**OPTIONS)))
    cache = str(tmp_path / "answers")
    assert outcome(train(config(**OPTIONS, teacher_cache=cache))) == plain

    def refuse(*images):
        raise AssertionError("the teacher was asked again")

    monkeypatch.setattr("swin_keras.distillation.teacher.Teacher.logits", refuse)
    assert outcome(train(config(**OPTIONS, teacher_cache=cache))) == plain
    # So does a student of another size, with another rate.
    others = {"sizes": SIZES | {"embed_dim": 16}, "learning_rate": 1e-3}
    train(config(**OPTIONS | others, teacher_cache=cache))


@pytest.mark.slow
def test_answers_start_where_a_run_resumes(config):
    job = prepare(config(**OPTIONS | {"epochs": 2}))
    steps = list(job.training_batches())
    (_, targets, _), *_ = job.training_batches(start_step=job.steps + 3)
    expected = steps[job.steps + 3][1]
    for name in ("labels", "teacher"):
        np.testing.assert_array_equal(targets[name], expected[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["soft", pytest.param("features", marks=pytest.mark.slow)]
)
def test_a_run_does_not_resume_with_another_teacher(
    config, tmp_path, trained_run, kind
):
    copy = tmp_path / "teacher.keras"
    copy.write_bytes(trained_run.best_model.read_bytes())
    options = OPTIONS | {"teacher": str(copy), "name": "student"}
    options["distillation"] = kind
    train(config(**options))
    model = keras.models.load_model(copy, compile=False)
    model.set_weights([0.5 * w for w in model.get_weights()])
    save_keras(model, copy, Predictor(trained_run.path).card)
    with pytest.raises(DataError, match="the teacher it began with"):
        train(config(**options | {"epochs": 2}), resume=True)


@pytest.mark.parametrize("kind", ["soft", pytest.param("dist", marks=pytest.mark.slow)])
def test_a_student_learns_from_its_teacher_alone(config, kind):
    """Labels count for nothing here."""
    options = {"sizes": SIZES, "jit_compile": False, "epochs": 2, "train_images": 320}
    run = train(config(**options, distillation=kind, teacher_weight=1.0))
    losses = np.genfromtxt(run.metrics, delimiter=",", names=True)["loss"]
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.slow
def test_what_only_training_needs_is_not_kept(config):
    options = {"sizes": SIZES, "jit_compile": False, "epochs": 1}
    run = train(config(**options, distillation="features"))
    alone = train(config(**options, teacher=None))
    assert load(run).count_params() == load(alone).count_params()


def load(run):
    return keras.models.load_model(run.best_model, compile=False)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("soft", marks=pytest.mark.slow),
        pytest.param("features", marks=pytest.mark.slow),
    ],
)
def test_two_devices_learn_as_one(config, kind, train_mirrored, tmp_path):
    student = config(**OPTIONS, distillation=kind)
    one = train(student)
    train_mirrored(write_config(student, tmp_path / "student.yaml"))
    two = RunFolder.named(one.path.parent, "mirrored")
    figures = [np.genfromtxt(run.metrics, delimiter=",")[1:, :-1] for run in (one, two)]
    np.testing.assert_allclose(*figures, atol=1e-5)


def test_a_litert_teacher_teaches(config, exported):
    job = prepare(config(sizes=SIZES, teacher=str(exported)))
    assert job.teacher.predictor.form == "litert"
    targets = next(iter(job.training_batches()))[1]
    assert np.isfinite(targets["teacher"]).all()


@pytest.mark.slow
def test_a_dry_run_tells_size_and_time_and_stores_nothing(config, tmp_path):
    cache = tmp_path / "answers"
    text = dry_run(config(sizes=SIZES, jit_compile=False, teacher_cache=str(cache)))
    assert "MB of answers in all epochs, stored in" in text
    assert "ms a step, of the above" in text
    assert not cache.exists()


class TestRefused:
    def other(self, trained_run, tmp_path, **changes):
        """Write the teacher with another card."""
        model = keras.models.load_model(trained_run.best_model, compile=False)
        card = dataclasses.replace(Predictor(trained_run.path).card, **changes)
        save_keras(model, tmp_path / "other.keras", card)
        return str(tmp_path / "other.keras")

    def test_other_classes(self, config, trained_run, tmp_path):
        names = ["cat", *map(str, range(1, 10))]
        other = self.other(trained_run, tmp_path, class_names=names)
        with pytest.raises(UsageError, match="does not know 0; it knows cat, 1"):
            prepare(config(teacher=other))

    def test_another_size(self, config):
        with pytest.raises(UsageError, match="Use --image-size"):
            prepare(config(sizes=SIZES, image_size=64))

    def test_no_model(self, config, tmp_path):
        with pytest.raises(ModelFileError, match="no model"):
            prepare(config(teacher=str(tmp_path / "none.keras")))

    def test_options_without_a_teacher(self):
        with pytest.raises(UsageError, match=r"for a run with a teacher.*temperature"):
            TrainConfig(temperature=2.0)

    @pytest.mark.parametrize("option", [{"temperature": 2.0}, {"teacher_cache": "a"}])
    def test_options_of_answers_for_feature_maps(self, config, option):
        with pytest.raises(UsageError, match="is for a teacher's answers"):
            config(distillation="features", **option)

    def test_answers_for_pixels(self, config):
        with pytest.raises(UsageError, match=r"'segment' can learn .* by features"):
            task_named("segment").check_options(
                config(task="segment", distillation="soft")
            )

    @pytest.mark.parametrize("kind", ["soft", "features"])
    def test_other_values_of_grey(self, config, kind):
        with pytest.raises(UsageError, match="must see grey values as the student"):
            prepare(config(sizes=SIZES, distillation=kind, grey_range=(0, 4095)))

    def test_a_form_without_layers_for_features(self, config, exported):
        file = str(exported / "model.tflite")
        with pytest.raises(
            UsageError, match=r"needs a Keras model as its teacher: a `\.keras` file"
        ):
            prepare(config(sizes=SIZES, teacher=file, distillation="features"))
