"""Scalars for TensorBoard: `tensorboard --logdir runs`.

`keras.callbacks.TensorBoard` would do but for three things: it leaves the last two
minutes of a killed run unwritten, writes an epoch again when a run that stopped
resumes, and adds figures of every validation that the epoch's figures repeat.
"""

from pathlib import Path

import keras

RUNS = {"train": "", "validation": "val_"}  # and what their metrics start with


def tensorboard_callback(folder) -> keras.callbacks.Callback:
    """Return a callback that writes loss, metrics and learning rate of each epoch.

    Training and validation become two runs, `train` and `validation`, with the tags
    of `keras.callbacks.TensorBoard`. An epoch that the folder has is not written
    again, so `fit(initial_epoch=...)` continues where the curves end.

    Args:
        folder: Where the event files are; made when first needed.
    """
    return EpochScalars(folder)


class EpochScalars(keras.callbacks.Callback):
    """Write each epoch's scalars once; see `tensorboard_callback`.

    Args:
        folder: Where the event files are.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = Path(folder)
        self._writers = {}
        self._last = {run: last_step(self.folder / run) for run in RUNS}

    def on_epoch_end(self, epoch, logs=None):
        scalars = {"learning_rate": float(self.model.optimizer.learning_rate)}
        scalars |= logs or {}
        for run, prefix in RUNS.items():
            chosen = {
                name.removeprefix("val_"): value
                for name, value in scalars.items()
                if name.startswith("val_") == (prefix == "val_")
            }
            if chosen and epoch > self._last[run]:
                self._write(run, epoch, chosen)

    def _write(self, run, epoch, scalars):
        import tensorflow as tf

        if run not in self._writers:
            folder = str(self.folder / run)
            self._writers[run] = tf.summary.create_file_writer(folder)
        with self._writers[run].as_default(step=epoch):
            for name, value in scalars.items():
                tf.summary.scalar(f"epoch_{name}", value)
        self._writers[run].flush()
        self._last[run] = epoch

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def write_hparams(
    folder, trial_id: str, values: dict, score: float, name: str = "val_accuracy"
):
    """Write what a trial of a study was and its score, for TensorBoard's HParams.

    Args:
        folder: Where the event files are.
        trial_id: Name of the trial.
        values: Its parameters: numbers, text, or whether.
        score: What came out on the validation images.
        name: What the score is.
    """
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        api.hparams(values, trial_id=trial_id)
        tf.summary.scalar(name, score, step=0)
    writer.close()


def last_step(folder) -> int:
    """Return the highest step in a folder's event files, -1 if there is none."""
    return max((event.step for event in read_events(folder)), default=-1)


def read_events(folder):
    """Yield the events with scalars; a file that was cut off ends there."""
    import tensorflow as tf

    for path in sorted(Path(folder).glob("events.out.tfevents.*")):
        try:
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
                event = tf.compat.v1.Event.FromString(record)
                if event.summary.value:
                    yield event
        except tf.errors.DataLossError:
            continue
