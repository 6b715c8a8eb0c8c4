"""Event files: read back what was written, also by a run that stopped."""

import keras
import numpy as np
import tensorflow as tf

from swin_keras.report.tensorboard import read_events, tensorboard_callback


def fit(folder, epochs, initial_epoch=0):
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    schedule = keras.optimizers.schedules.PolynomialDecay(0.1, 100)
    model.compile(keras.optimizers.SGD(schedule), "mse")
    images, labels = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    return model.fit(
        images,
        labels,
        validation_data=(images, labels),
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=[tensorboard_callback(folder)],
        verbose=0,
    ).history


def scalars(folder):
    """Return `{tag: {step: value}}`; a step that is there twice fails."""
    found = {}
    for event in read_events(folder):
        for value in event.summary.value:
            steps = found.setdefault(value.tag, {})
            assert event.step not in steps
            steps[event.step] = float(tf.make_ndarray(value.tensor))
    return found


def test_the_event_files_hold_each_epochs_figures_and_nothing_else(tmp_path):
    history = fit(tmp_path, epochs=3)
    train, validation = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    assert set(train) == {"epoch_loss", "epoch_learning_rate"}
    assert set(validation) == {"epoch_loss"}
    np.testing.assert_allclose(list(train["epoch_loss"].values()), history["loss"])
    np.testing.assert_allclose(
        list(validation["epoch_loss"].values()), history["val_loss"]
    )
    rates = list(train["epoch_learning_rate"].values())
    assert rates == sorted(rates, reverse=True)
    assert rates[0] < 0.1


def test_a_run_that_goes_on_writes_no_epoch_twice(tmp_path):
    first = fit(tmp_path, epochs=3)
    fit(tmp_path, epochs=5, initial_epoch=2)  # the checkpoint was an epoch behind
    steps = scalars(tmp_path / "train")["epoch_loss"]
    assert sorted(steps) == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(steps[2], first["loss"][2])


def test_a_file_that_was_cut_off_is_read_to_its_end(tmp_path):
    fit(tmp_path, epochs=2)
    (path,) = (tmp_path / "train").glob("events*")
    path.write_bytes(path.read_bytes()[:-5])
    assert len(list(read_events(tmp_path / "train"))) == 3
    fit(tmp_path, epochs=3, initial_epoch=1)
    assert sorted(scalars(tmp_path / "validation")["epoch_loss"]) == [0, 1, 2]


def test_no_folder_is_made_before_the_first_epoch(tmp_path):
    tensorboard_callback(tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
