"""Batch normalization as segmentation heads were published with it."""

import keras


@keras.saving.register_keras_serializable(package="swin_keras")
class SyncBatchNormalization(keras.layers.BatchNormalization):
    """Normalize by the mean and variance of the batch on all replicas.

    `(B, H, W, C) -> (B, H, W, C)`. Keras' own with the constants of torch, which
    published heads were trained with. Keras synchronizes replicas under
    `tf.distribute` only and refuses to elsewhere; since a file may be loaded
    elsewhere, what it does is not in the configuration.

    Args:
        momentum: How much of the moving moments a step keeps.
        epsilon: Added to the variance.
        **kwargs: As of `keras.layers.BatchNormalization`, but for `synchronized`.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.
        training: Whether the batch's moments are used, and followed.

    Returns:
        Feature map of the same shape.

    Reference:
        Ioffe and Szegedy, 2015: https://arxiv.org/abs/1502.03167
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs):
        super().__init__(
            momentum=momentum,
            epsilon=epsilon,
            synchronized=keras.backend.backend() == "tensorflow",
            **kwargs,
        )

    def get_config(self):
        config = super().get_config()
        del config["synchronized"]
        return config
