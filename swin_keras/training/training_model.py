"""A functional model whose training step is the same on one device and on many."""

import functools

import keras
import tensorflow as tf

from swin_keras.tasks.distillation_loss import LABELS
from swin_keras.training.keras_internals import OpenModel
from swin_keras.training.tensorflow_internals import begin_at_a_round_number


@keras.saving.register_keras_serializable(package="swin_keras")
class TrainingModel(OpenModel):
    """A functional model that accumulates gradients and trains on many machines.

    `TrainingModel(inputs, outputs)` is used as any `keras.Model`. Keras 3.15
    alone cannot accumulate gradients on several replicas, cannot compile a step
    for them, and cannot `fit` under `MultiWorkerMirroredStrategy` at all.

    What it saves, in whichever way of Keras, is the model that `keep` was told,
    or the functional one of the same outputs: files that load without this class.

    Attributes:
        compiles: Whether XLA compiles the forward and the backward pass of each
            replica. What crosses replicas stays outside: sums of gradients,
            clipping, the optimizer's step, metrics. Set it before the first step,
            and leave `compile(jit_compile=...)` off.
        loss_function: The task's, instead of that of `compile`: from targets, outputs
            and weights to a number, the mean over the global batch as far as it is this
            replica's. One with a
            method `counts` is given, instead of weights, what that makes of the
            targets, added over all replicas.
        micro_batches: Parts in which the batch of each replica is computed, one
            after the other, before the weights change once. More parts need
            less memory. Must divide that batch.
    """

    compiles = False
    micro_batches = 1
    loss_function = None
    _kept = None

    def keep(self, model):
        """Save a model of the same layers, such as one that ends in probabilities."""
        self._kept = lambda: model  # Keras would count the weights of an attribute

    def kept(self):
        """Return the model that is saved."""
        if self._kept is None:
            return keras.Model(self.input, self.output, name=self.name)
        return self._kept()

    def save(self, *args, **options):
        self.kept().save(*args, **options)

    def export(self, *args, **options):
        self.kept().export(*args, **options)

    def get_config(self):  # for `keras.saving.save_model`, which does not ask `save`
        return self.kept().get_config()

    def get_compile_config(self):
        return {}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return keras.Model.from_config(config, custom_objects)

    @property
    def layers(self):
        """The layers, in the order of the model that is saved, then all others.

        A file of weights numbers the layers of each class in this order.
        """
        layers = super().layers
        if self._kept is None:
            return layers
        places = {id(layer): place for place, layer in enumerate(self._kept().layers)}
        return sorted(layers, key=lambda layer: places.get(id(layer), len(places)))

    @property
    def inner_optimizer(self):
        """The optimizer without the loss scaling that float16 needs."""
        return getattr(self.optimizer, "inner_optimizer", self.optimizer)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        batch = x, y, self._weights_or_counts(y, sample_weight)
        accumulates = self.micro_batches > 1
        gradients = self._accumulate(batch) if accumulates else self._gradients(*batch)
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_weights, strict=True)
        )
        return self._logs()

    def _weights_or_counts(self, y, sample_weight):
        """Return the weights, or what the loss is divided by over all replicas."""
        loss = self.loss_function
        if not hasattr(loss, "counts"):
            return sample_weight
        replica = tf.distribute.get_replica_context()
        counts = replica.all_reduce(tf.distribute.ReduceOp.SUM, loss.counts(y))
        return tf.maximum(counts, loss.smallest_count)

    def _gradients(self, x, y, sample_weight):
        """Return the gradients of a batch; count its loss and metrics."""
        gradients, y_pred, loss = self._backward(x, y, sample_weight)
        self._count(loss, tf.shape(x)[0], x, y, y_pred, sample_weight)
        return gradients

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        if self.loss_function is None:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        return self.loss_function(y, y_pred, sample_weight=sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        # What an auxiliary head says counts for the loss alone; so do boxes.
        if isinstance(y_pred, dict):
            y_pred = y_pred.get("logits")
        if isinstance(y, dict):  # what a teacher says counts for the loss alone, too
            y = y[LABELS]
        if y_pred is None:
            return self.get_metrics_result()
        return super().compute_metrics(x, y, y_pred, sample_weight)

    @functools.cached_property
    def _backward(self):
        """The function from a batch to its gradients, outputs and loss."""

        def backward(x, y, sample_weight):
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
                scaled = self.optimizer.scale_loss(loss)
            gradients = tape.gradient(scaled, self.trainable_weights)
            # Those of tables are sparse, which neither XLA nor a sum can take.
            return list(map(tf.convert_to_tensor, gradients)), y_pred, loss

        return self._compiled(backward)

    @functools.cached_property
    def _forward(self):
        """The function from a batch to its outputs and loss."""

        def forward(x, y, sample_weight):
            y_pred = self(x, training=False)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
            return y_pred, loss

        return self._compiled(forward)

    def _compiled(self, function):
        if not self.compiles:
            return function
        begin_at_a_round_number()  # it is traced as soon as it is made
        return tf.function(function, jit_compile=True)

    def _accumulate(self, batch):
        """Return the mean of the gradients of all micro batches."""
        x, y, weights = batch
        x = _split(x, self.micro_batches)
        y = tf.nest.map_structure(lambda tensor: _split(tensor, self.micro_batches), y)
        if hasattr(self.loss_function, "counts"):
            # The mean of the parts is taken below, of which each has its share.
            share = weights / self.micro_batches
            weights = tf.tile(share[None], (self.micro_batches, 1))
        else:
            weights = _split(weights, self.micro_batches)

        def add(part, total):
            own = None if weights is None else weights[part]
            targets = tf.nest.map_structure(lambda tensor: tensor[part], y)
            gradients = self._gradients(x[part], targets, own)
            return part + 1, [t + g for t, g in zip(total, gradients, strict=True)]

        zeros = [tf.zeros(v.shape, v.dtype) for v in self.trainable_weights]
        _, total = tf.while_loop(
            lambda part, _: part < self.micro_batches, add, [tf.constant(0), zeros]
        )
        return [gradient / self.micro_batches for gradient in total]

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        sample_weight = self._weights_or_counts(y, sample_weight)
        y_pred, loss = self._forward(x, y, sample_weight)
        images = tf.shape(x)[0]
        if hasattr(self.loss_function, "counts"):
            # The loss is divided by counts of all replicas, however many images each
            # has of a last batch: it is as much of the whole on every one.
            replica = tf.distribute.get_replica_context()
            images = tf.cast(images, tf.float32)
            images = replica.all_reduce(tf.distribute.ReduceOp.MEAN, images)
        self._count(loss, images, x, y, y_pred, sample_weight)
        return self._logs()

    def _count(self, loss, images, x, y, y_pred, sample_weight):
        # Under a strategy Keras divides each replica's loss by their number.
        replicas = self.distribute_strategy.num_replicas_in_sync
        self.count_loss(loss * replicas, images)
        self.compute_metrics(x, y, y_pred, sample_weight)

    def _logs(self):
        logs = self.get_metrics_result()
        if not self._spans_machines():
            return logs
        # Keras averages over replicas along an axis, which a scalar lacks.
        return {name: tf.reshape(value, (1,)) for name, value in logs.items()}

    def _spans_machines(self):
        return isinstance(
            self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
        )


def _split(tensor, parts):
    """`(B, ...)` to `(parts, B / parts, ...)`."""
    if tensor is None:
        return None
    return tf.reshape(tensor, (parts, -1, *tensor.shape[1:]))
