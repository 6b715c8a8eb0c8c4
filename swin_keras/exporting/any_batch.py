"""Layers of files for any number of images: none asks how many there are.

Keras' own read that number while they run, and compute shapes with it, which delegates
of phones do not run. Each of these gives the same numbers and has the same weights.
"""

import keras
from keras import ops

from swin_keras.layers import TopDetections
from swin_keras.layers.pointwise import PointwiseDense


@keras.saving.register_keras_serializable(package="swin_keras")
class AnyBatchReshape(keras.layers.Reshape):
    """A `keras.layers.Reshape` whose shape is known before it runs.

    `(B, ...) -> (B, *target_shape)`.
    """

    def call(self, inputs):
        _, *shape = self.compute_output_shape(inputs.shape)
        if None in shape:
            return super().call(inputs)
        return ops.reshape(inputs, (-1, *shape))


@keras.saving.register_keras_serializable(package="swin_keras")
class AnyBatchDetections(TopDetections):
    """A `TopDetections` that takes each picture's boxes without its number."""

    def _rows(self, table, places):
        if places.shape[0] is not None:
            return super()._rows(table, places)
        import tensorflow as tf  # keras.ops has no gather within each picture

        return tf.gather(table, places, batch_dims=1)


ANY_BATCH = {
    keras.layers.Reshape: AnyBatchReshape,
    TopDetections: AnyBatchDetections,
}


def any_batch_kind(layer):
    """Return the class that a layer has in a file for any number of images.

    A dense layer of rows `(B, C)`, as a classifier's head, asks nothing and stays: its
    weights are called in files as they always were.
    """
    if type(layer) is keras.layers.Dense:
        is_of_maps = len(layer.get_build_config()["input_shape"]) > 2
        return PointwiseDense if is_of_maps else keras.layers.Dense
    return ANY_BATCH.get(type(layer), type(layer))
