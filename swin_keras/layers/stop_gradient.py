"""A border that gradients do not cross."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="swin_keras")
class StopGradient(keras.layers.Layer):
    """Pass a tensor on; what follows does not train what comes before.

    `(B, ...) -> (B, ...)`.
    """

    def call(self, inputs):
        return ops.stop_gradient(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape
