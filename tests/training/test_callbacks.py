"""What stops a run early, and what it says then."""

import json

import keras
import numpy as np
import pytest
from toy_runs import folder_of_images

from swin_keras.errors import TrainingError
from swin_keras.training import TrainConfig
from swin_keras.training.callbacks import BestModel
from swin_keras.training.train import train

TOY = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}


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


def test_the_averaged_weights_are_validated_and_kept(digits_dir, tmp_path):
    """An average that hardly moves is the model as it was at the start."""
    config = toy_config(digits_dir, tmp_path, epochs=1, ema_momentum=0.9999999)
    best = train(config).best_model
    kept = keras.models.load_model(best, compile=False).get_weights()
    other = toy_config(digits_dir, tmp_path / "b", epochs=1)
    raw = keras.models.load_model(train(other).best_model, compile=False)
    moved = [np.abs(a - b).max() for a, b in zip(kept, raw.get_weights(), strict=True)]
    assert max(moved) > 0.01


def test_patience_is_remembered():
    best = BestModel(None, None, None, patience=3)
    best.set_state({"best_loss": 0.5, "waited": 2})
    assert not best.is_out_of_patience
    best.set_state(best.get_state() | {"waited": 3})
    assert best.is_out_of_patience
