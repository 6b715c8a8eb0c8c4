"""Stochastic depth.

Keras has no public layer for it. This one differs from a Dropout with a
noise shape in two ways that long runs need: it draws for the global batch, so
that 1, 2 or n devices train alike, and its random state is saved with the
model, so that a resumed run continues the sequence.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="swin_keras")
class DropPath(keras.layers.Layer):
    """Drop a residual branch for some samples of the batch, in training only.

    `(B, ...) -> (B, ...)`. A kept branch is divided by the probability of
    keeping it, so that the expected value stays.

    Args:
        rate: Probability of dropping the branch, in `[0, 1)`.
        seed: Seed of the draws; `None` takes one from Keras' global seed.

    Call arguments:
        inputs: Tensor with the batch as first axis.
        draws: What `draw` returned, for a caller that must know it beforehand;
            `None` to draw here.
        training: Whether to drop.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: If `rate` is outside `[0, 1)`.

    Reference:
        Huang et al., 2016: https://arxiv.org/abs/1603.09382
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be in [0, 1). Received: rate={rate}.")
        self.rate = rate
        self.seed = seed
        if rate:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, draws=None, training=False):
        if not (training and self.rate):
            return inputs
        if draws is None:
            draws = self.draw(inputs)
        keep = ops.cast(draws >= self.rate, inputs.dtype)
        return inputs * (keep / (1 - self.rate))

    def draw(self, inputs):
        """Return one number in `[0, 1)` a sample, to be dropped if below `rate`.

        `(B, ...) -> (B, 1, ...)`.
        """
        replica, num_replicas = _replica()
        batch = ops.shape(inputs)[0]
        return keras.random.uniform(
            (batch * num_replicas,) + (1,) * (len(inputs.shape) - 1),
            seed=self.seed_generator,
        )[replica * batch : (replica + 1) * batch]

    def compute_output_shape(self, input_shape):
        return input_shape

    def save_own_variables(self, store):
        if self.rate:
            store["seed_state"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        if self.rate and "seed_state" in store:
            self.seed_generator.state.assign(store["seed_state"])

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def _replica():
    """Return this replica's number and how many there are."""
    if keras.backend.backend() != "tensorflow":
        return 0, 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None:
        return 0, 1
    return context.replica_id_in_sync_group, context.num_replicas_in_sync
