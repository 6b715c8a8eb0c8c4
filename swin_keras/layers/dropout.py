"""Dropout that is the same on any number of devices."""

import keras
from keras import ops

from swin_keras.layers.random_numbers import uniforms


@keras.saving.register_keras_serializable(package="swin_keras")
class Dropout(keras.layers.Layer):
    """Drop some values, in training only.

    `(B, ...) -> (B, ...)`. A kept value is divided by the probability of keeping
    it, so that the expected value stays.

    Keras' own draws other numbers under XLA, on another backend and on each
    replica, and forgets its random state when a model is saved. This one draws the
    same for the global batch anywhere, so that 1, 2 or n devices train alike, and
    saves its state, so that a resumed run continues the sequence.

    Args:
        rate: Probability of dropping a value, in `[0, 1)`.
        seed: Seed of the draws; `None` takes one from Keras' global seed.

    Call arguments:
        inputs: Tensor with the batch as first axis; the other axes are known.
        draws: What `draw` returned, for a caller that must know it beforehand;
            `None` to draw here.
        training: Whether to drop.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: If `rate` is outside `[0, 1)`.

    Reference:
        Srivastava et al., 2014: https://jmlr.org/papers/v15/srivastava14a.html
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be in [0, 1). Received: rate={rate}.")
        self.rate = rate
        self.seed = seed
        if rate:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True  # nothing depends on a shape; `quantize` asks for it

    def call(self, inputs, draws=None, training=False):
        if not (training and self.rate):
            return inputs
        if draws is None:
            draws = self.draw(inputs)
        keep = ops.cast(draws >= self.rate, inputs.dtype)
        return inputs * (keep / (1 - self.rate))

    def draw(self, inputs):
        """Return one number in `[0, 1)` for all that is dropped or kept together.

        Those below `rate` tell what is dropped.
        """
        return draw_together([self], inputs)[0]

    def _together(self, shape):
        """Return the shape of a sample's draws."""
        return shape

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


def draw_together(layers, inputs):
    """Return what each layer's `draw` would, at about the cost of one.

    Args:
        layers: Of one class, each with a rate above 0.
        inputs: What they drop of.
    """
    generators = [layer.seed_generator for layer in layers]
    batch, *sides = (ops.shape(inputs)[0], *inputs.shape[1:])
    return uniforms(generators, (batch, *layers[0]._together(sides)))
