"""Everything private of Keras that this package touches, and why.

Keras may change it in any version: `tests/test_internals.py` names
what is gone or no longer asked for.
"""

import functools

import keras
import tensorflow as tf

from swin_keras.training.one_program import as_one_program
from swin_keras.training.tensorflow_internals import once_for_all_replicas


class OpenAdamW(keras.optimizers.AdamW):
    """Keras' AdamW with a way to each part that ours does otherwise.

    Attributes:
        compiles: Whether XLA compiles the step of all variables as one program. A GPU
            else starts a dozen small ones for each. Set it before the first step.
    """

    compiles = False

    def index_of(self, variable) -> int:
        """Return the number of a variable among those that the optimizer moves.

        Within a replica, a variable is not the object that `build` was given.
        """
        return self._get_variable_index(variable)

    def moments_of(self, variable):
        """Return the momentum and the velocity of a variable: slots have no names."""
        index = self.index_of(variable)
        return self._momentums[index], self._velocities[index]

    def average_of(self, variable):
        """Return the moving average of a trainable variable as an array.

        The public way puts the averages in the place of the weights, for good.
        """
        averages = self._model_variables_moving_average
        return keras.ops.convert_to_numpy(averages[self.index_of(variable)])

    def is_decayed(self, variable) -> bool:
        """Return whether `exclude_from_weight_decay` has left a variable in."""
        return self._use_weight_decay(variable)

    def rate_factor(self, variable) -> float:
        """Return what to multiply the learning rate of a variable by."""
        return 1.0

    def change_gradients(self, gradients):
        """Return the gradients to take a step by, of those summed over replicas."""
        return gradients

    def _apply_weight_decay(self, variables):
        # Keras decays all variables at one rate.
        if self.weight_decay is None or self.compiles:
            return

        def decay_all(strategy, variables, rate):
            for variable in variables:
                strategy.extended.update(
                    variable.value, self.decay, args=(rate,), group=False
                )

        once_for_all_replicas(
            decay_all,
            self._distribution_strategy,  # that of `build`, as in Keras' own
            [variable for variable in variables if self.is_decayed(variable)],
            self.learning_rate,
        )

    def decay(self, variable, rate):
        """Take a share of a variable away."""
        share = rate * self.weight_decay * self.rate_factor(variable)
        variable.assign_sub(variable * tf.cast(share, variable.dtype))

    def _distributed_tf_update_step(self, distribution, grads_and_vars, learning_rate):
        if not self.compiles:
            super()._distributed_tf_update_step(
                distribution, grads_and_vars, learning_rate
            )
            return
        gradients, variables = zip(*grads_and_vars, strict=True)

        def move(variables, gradients, learning_rate):
            gradients = self.change_gradients(gradients)
            for variable, gradient in zip(variables, gradients, strict=True):
                if self.weight_decay is not None and self.is_decayed(variable):
                    self.decay(variable, learning_rate)
                self.update_step(gradient, variable, learning_rate)

        as_one_program(move, distribution, variables, list(gradients), learning_rate)

    def _update_model_variables_moving_average(self, trainable_variables):
        update = super()._update_model_variables_moving_average
        if not (self.compiles and self.use_ema):
            update(trainable_variables)
            return
        once_for_all_replicas(
            functools.partial(
                as_one_program, lambda values: update(trainable_variables)
            ),
            self._distribution_strategy,
            [variable.value for variable in trainable_variables],
        )

    def _all_reduce_sum_gradients(self, grads_and_vars):
        # The only place between the sum over replicas and the step. A table's
        # gradient may hold a row in many parts; what is squared is the sum.
        whole = [
            (gradient if gradient is None else tf.convert_to_tensor(gradient), variable)
            for gradient, variable in grads_and_vars
        ]
        pairs = super()._all_reduce_sum_gradients(whole)
        if self.compiles:
            return pairs  # changed in the program that takes the step
        gradients, variables = zip(*pairs, strict=True)
        changed = self.change_gradients(list(gradients))
        return list(zip(changed, variables, strict=True))


class OpenModel(keras.Model):
    """A `keras.Model` that builds its metrics when it is told to, and once."""

    def build_metrics(self, images, shares):
        """Make the variables behind the metrics, which Keras makes in the first step.

        Metrics have no public way to be built without a batch to count.

        Args:
            images: Any images of the right shape.
            shares: Any targets `(B, classes)`.
        """
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=(images, shares))

    def count_loss(self, loss, images):
        """Count the loss of so many images in what `fit` shows."""
        self._loss_tracker.update_state(loss, sample_weight=images)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # All is built; Keras would take a batch from the iterator to do so, and
        # average it over machines, which fails.
        metrics = self._compile_metrics
        if not self.built or (metrics is not None and not metrics.built):
            super()._maybe_symbolic_build(iterator, data_batch)
