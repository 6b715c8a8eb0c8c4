"""Batch normalization as segmentation heads were published with it."""

import keras


@keras.saving.register_keras_serializable(package="swin_keras")
class SyncBatchNormalization(keras.layers.BatchNormalization):
    """Normalize by the mean and variance of the batch on all replicas.

    `(B, H, W, C) -> (B, H, W, C)`. Keras' own with the constants of torch, which
    published heads were trained with. Keras synchronizes replicas under
    `tf.distribute` only and refuses to elsewhere; since a file may be loaded
    elsewhere, what it does is not in the configuration.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.
        training: Whether the batch's moments are used, and followed.

    Returns:
        Feature map of the same shape.

    Reference:
        Ioffe and Szegedy, 2015: https://arxiv.org/abs/1502.03167
    """

    def __init__(self, **kwargs):
        super().__init__(
            momentum=0.9,
            epsilon=1e-5,
            synchronized=keras.backend.backend() == "tensorflow",
            **kwargs,
        )

    def get_config(self):
        return keras.layers.Layer.get_config(self)
