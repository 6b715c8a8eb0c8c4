"""What stops a run early, and what it says then."""

import json
import zipfile

import keras
import numpy as np
import pytest
from toy_runs import folder_of_images

from swin_keras.errors import TrainingError
from swin_keras.model_files import ModelCard, embed_card
from swin_keras.tasks import task_named
from swin_keras.training import TrainConfig
from swin_keras.training.callbacks import BestModel
from swin_keras.training.description import why_kept
from swin_keras.training.train import train

TOY = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
SMALLEST = {"embed_dim": 8, "depths": [1], "num_heads": [1]}


def toy_config(digits_dir, tmp_path, **options):
    return TrainConfig(
        data_dir=str(digits_dir),
        runs_dir=str(tmp_path),
        name="toy",
        sizes=TOY,
        jit_compile=False,
        tensorboard=False,
        **options,
    )


@pytest.mark.slow
def test_a_run_without_progress_ends_early(digits_dir, tmp_path):
    config = toy_config(
        digits_dir, tmp_path, epochs=30, early_stopping=2, learning_rate=1e-9
    )
    run = train(config)
    rows = run.metrics.read_text().splitlines()[1:]
    assert 3 <= len(rows) < 30
    card = json.loads(run.card.read_text())
    assert card["metrics"]["test_accuracy"] >= 0


def test_a_loss_that_is_no_number_names_the_step_and_its_images(tmp_path):
    folder_of_images(tmp_path / "pets")
    config = TrainConfig(
        data=str(tmp_path / "pets"),
        runs_dir=str(tmp_path),
        name="toy",
        sizes=TOY,
        jit_compile=False,
        tensorboard=False,
        batch_size=4,
        learning_rate=1e30,
        warmup_epochs=0,
    )
    with pytest.raises(TrainingError, match=r"in step \d+\. Its images: .*/pets/") as e:
        train(config)
    assert e.value.exit_code == 6
    assert not list((tmp_path / "toy").glob("checkpoints/step-*"))


class RemembersWeights(keras.callbacks.Callback):
    """Remember the weights after each step, and those that are validated."""

    def __init__(self):
        super().__init__()
        self.steps, self.validated = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(trained_weights(self.model))

    def on_test_begin(self, logs=None):
        self.validated.append(trained_weights(self.model))


def trained_weights(model):
    return {weight.path: np.array(weight) for weight in model.trainable_weights}


def assert_same_weights(given, expected, tolerance=0.0):
    assert given.keys() == expected.keys()
    for path, values in given.items():
        np.testing.assert_allclose(
            values, expected[path], rtol=0, atol=tolerance, err_msg=path
        )


def test_the_averaged_weights_are_validated_and_kept(tmp_path):
    """They are an average made by hand, and training goes on as without it."""
    folder_of_images(tmp_path / "pets")
    seen = {}
    for momentum in (0.0, 0.8):
        config = TrainConfig(
            data=str(tmp_path / "pets"),
            runs_dir=str(tmp_path),
            name=f"momentum-{momentum}",
            sizes=SMALLEST,
            epochs=3,
            batch_size=4,
            warmup_epochs=0,
            jit_compile=False,
            tensorboard=False,
            ema_momentum=momentum,
        )
        seen[momentum] = RemembersWeights()
        run = train(config, part=range(2), callbacks=seen[momentum])
    plain, averaged = seen.values()
    assert len(plain.steps) == len(averaged.steps) >= 4
    for given, expected in zip(averaged.steps, plain.steps, strict=True):
        assert_same_weights(given, expected)

    averages = [averaged.steps[0]]  # there is nothing before to average with
    for weights in averaged.steps[1:]:
        last = averages[-1]
        averages.append({p: 0.8 * last[p] + 0.2 * weights[p] for p in weights})
    ends = len(averages) // 2 - 1, -1
    for given, end in zip(averaged.validated, ends, strict=True):
        assert_same_weights(given, averages[end], 1e-6)
        assert any(
            np.abs(given[p] - averaged.steps[end][p]).max() > 1e-3 for p in given
        )
    losses = np.genfromtxt(run.metrics, delimiter=",", names=True)["val_loss"]
    kept = keras.models.load_model(run.best_model, compile=False)
    assert_same_weights(trained_weights(kept), averaged.validated[np.argmin(losses)])


def test_a_run_says_which_epoch_it_keeps_and_what_the_other_choice_is():
    text = said_of([(1.2, 0.58), (1.1, 0.33)], 2, "val_loss")
    assert text.startswith("kept epoch 2 of 2, which had the smallest loss")
    assert "Epoch 1 had the highest accuracy on the validation images: val_l" in text
    assert "val_accuracy 58.00%; --monitor val_accuracy would keep that one" in text
    text = said_of([(1.2, 0.58), (1.1, 0.33)], 1, "val_accuracy")
    assert text.startswith("kept epoch 1 of 2, which had the highest accuracy")
    assert text.endswith("--monitor val_loss would keep that one")
    assert "Epoch" not in said_of([(1.2, 0.58)], 1, "val_loss")


def test_a_run_does_not_praise_an_epoch_that_is_not_the_best():
    text = said_of([(1.2, 0.375), (1.1, 0.125)], 2, "val_accuracy")
    assert text == (
        "kept epoch 2 of 2: val_loss 1.1000, val_accuracy 12.50%. Epoch 1 had the "
        "highest accuracy on the validation images: val_loss 1.2000, val_accuracy "
        "37.50%; its model was lost"
    )
    nan = float("nan")
    text = said_of([(nan, 0.5), (nan, 0.5)], 1, "val_loss")
    assert text == "kept epoch 1 of 2: val_loss nan, val_accuracy 50.00%"


def said_of(epochs, kept, monitor):
    rows = [
        {"epoch": epoch, "val_loss": loss, "val_accuracy": accuracy}
        for epoch, (loss, accuracy) in enumerate(epochs)
    ]
    figures = {**rows[kept - 1], "epoch": float(kept)}
    return why_kept(rows, figures, monitor, task_named("classify").monitors)


@pytest.mark.parametrize("writes", [True, False])
def test_patience_is_remembered(tmp_path, writes, caplog):
    path = tmp_path / "best.keras"
    best = BestModel(None, path, None, patience=3, writes=writes)
    zipfile.ZipFile(path, "w").close()
    best.set_state({"best": [0.5], "waited": 2})
    assert not best.is_out_of_patience
    best.set_state(best.get_state() | {"waited": 3})
    assert best.is_out_of_patience
    assert best.best == (0.5,)
    assert not caplog.text
    path.unlink()  # all processes of a run must see it, or they stop in other epochs
    best.set_state(best.get_state())
    assert best.best is None
    assert ("best.keras was lost" in caplog.text) == writes  # said once
    caplog.clear()
    best.set_state(best.get_state())  # before an epoch, nothing was there to lose
    assert not caplog.text


def test_an_epoch_better_than_the_stand_in_of_a_lost_model_is_kept(tmp_path):
    path = tmp_path / "best.keras"
    for on_disk, expected in ((0.7, 0.7), (0.5, 0.5), (0.4, 0.5), (float("nan"), 1e9)):
        zipfile.ZipFile(path, "w").close()
        figures = {"epoch": 2.0, "val_loss": on_disk}
        embed_card(path, ModelCard("toy", "swin_nano", {}, ("a",), metrics=figures))
        best = BestModel(None, path, None)
        best.set_state({"best": [0.5], "waited": 0})
        assert min(best.best, (1e9,)) == (expected,)


def test_one_callback_needs_no_list(tmp_path):
    """As in `fit` of Keras."""
    config = TrainConfig(
        data=str(folder_of_images(tmp_path / "pets")),
        runs_dir=str(tmp_path),
        name="toy",
        sizes=TOY,
        image_size=16,
        batch_size=8,
        epochs=2,
        jit_compile=False,
        tensorboard=False,
    )
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch)
    )
    train(config, part=range(1), callbacks=callback)
    train(config, part=range(1, 2), resume=True, callbacks=None)
    assert seen == [0]
