"""Figures of validation that need all answers at once, as mAP does."""

from itertools import islice

import keras
import tensorflow as tf

from swin_keras.inference.runtimes import outputs_by_name
from swin_keras.processes import StopSignals
from swin_keras.training.job import TrainingJob


class ScoreValidation(keras.callbacks.Callback):
    """Judge an epoch's validation answers together, where the task wants it.

    Metrics of Keras add up numbers of batches, which mAP is not made of. So the model
    that is exported answers about the validation images once more, on all devices, and
    every process has all answers: all find the same figures, whatever their number.

    It must come before callbacks that look at an epoch's figures, and before
    `ValidateAverage`, which puts the weights back.

    Args:
        job: The run. Its task's `validation_score` must not be `None`.
        stop: Whether somebody asked to stop; validation is left then.
    """

    def __init__(self, job: TrainingJob, stop: StopSignals):
        super().__init__()
        self.job = job
        self.stop = stop
        self._batches = job.validation_batches()
        self._figures = {}
        with job.replicas.scope():
            self._answering = job.task.export_model(job.model)

    def on_test_end(self, logs=None):
        score = self.job.validation_score()
        for images, targets in islice(self._batches, self.job.validation_steps):
            (stop,) = self.job.replicas.any(self.stop.asked)
            self.model.stop_evaluating |= stop
            if self.model.stop_evaluating:
                return
            targets, outputs = self._gathered_outputs(images, targets)
            named = outputs_by_name(outputs).items()
            score.add(targets.numpy(), {name: values.numpy() for name, values in named})
        self._figures = score.figures()

    def on_epoch_end(self, epoch, logs=None):
        logs.update({f"val_{name}": value for name, value in self._figures.items()})

    @tf.function(reduce_retracing=True)
    def _gathered_outputs(self, images, targets):
        """Return the targets and the outputs of all replicas, in one order."""
        return self.job.replicas.gathered(
            lambda images, targets: (targets, self._answering(images, training=False)),
            images,
            targets,
        )
