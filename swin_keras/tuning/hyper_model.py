"""SwinHyperModel: a space of Swin Transformers for any tuner of KerasTuner."""

import keras_tuner

from swin_keras.errors import UsageError
from swin_keras.training.config import TrainConfig
from swin_keras.training.preparation import prepare
from swin_keras.training.train import train
from swin_keras.tuning.parameters import refuse_auto
from swin_keras.tuning.space import Space


class FatalUsageError(UsageError, keras_tuner.errors.FatalError):
    """A fault of all trials: a tuner of KerasTuner ends, and does not try the next."""


class SwinHyperModel(keras_tuner.HyperModel):
    """A search space that edits a configuration, trained as `swin_keras.train` does.

    Each trial is a run of its own in the configuration's `runs_dir`, with checkpoints,
    and, if it is trained to the last epoch, with a report. Tuners of KerasTuner know
    nothing of these; `swin_keras.tune` does, and resumes where it was stopped.

    Args:
        space: What is changed; a `Space` or its mapping.
        config: What is not; `None` trains the small variant on digits.

    Raises:
        UsageError: If the space cannot work.

    Example:

    ```python
    space = {"learning_rate": {"min": 1e-4, "max": 1e-2, "scale": "log"}}
    hyper_model = swin_keras.SwinHyperModel(space, swin_keras.TrainConfig(epochs=5))
    tuner = keras_tuner.RandomSearch(hyper_model, "val_accuracy", max_trials=4)
    tuner.search()
    ```
    """

    def __init__(self, space, config: TrainConfig | None = None):
        super().__init__()
        self.space = space if isinstance(space, Space) else Space(space)
        self.config = config or TrainConfig()
        if self.config.name is not None:
            raise UsageError(
                "Each trial is a run with a name of its own: leave `name` out of the "
                f"configuration. Received: {self.config.name!r}."
            )
        refuse_auto(self.config)
        self._job = None  # the one that was built last

    def declare_hyperparameters(self, hp):
        self.space.declare(hp)

    def build(self, hp):
        """Build and compile the model of some values.

        Raises:
            UsageError: If they cannot make a model.
        """
        self.space.declare(hp)
        self._job = prepare(self.space.edit(self.config, hp.values))
        return self._job.training_model

    def fit(self, hp, model, *args, epochs=None, initial_epoch=0, **kwargs):
        """Train a model that `build` has made.

        Args:
            hp: Its values.
            model: The model.
            *args: None: the configuration names the data.
            epochs: Epoch to stop after, on the schedule of all, as hyperband does.
            initial_epoch: Epochs that it was trained before.
            **kwargs: `callbacks`, from the tuner.

        Returns:
            The task's figure and the loss, of the epoch that the run keeps.

        Raises:
            UsageError: If `build` has made another model since, or the tuner wants
                more epochs than the configuration has.
        """
        job = self._job
        if job is None or job.training_model is not model:
            raise UsageError("`fit` trains the model that `build` has made last.")
        planned = job.config.epochs
        if epochs is not None and epochs > planned:
            raise FatalUsageError(
                "A tuner trains no longer than its configuration is scheduled for. "
                f"Received: epochs={epochs} from the tuner, and {planned} in the "
                f"configuration. Use TrainConfig(epochs={epochs}), or the tuner's "
                f"max_epochs={planned}."
            )
        part = range(initial_epoch, epochs or planned)
        callbacks = kwargs.get("callbacks", ())
        run = train(job.config, job=job, part=part, callbacks=callbacks)
        monitors = job.task.monitors
        return {
            name: value
            for name, value in run.read_card().metrics.items()
            if name in monitors or f"val_{name}" in monitors
        }
