"""What a file of our optimizers finds where Keras does not run on TensorFlow."""

import keras

from swin_keras.backend import TO_LOAD, require_tensorflow


class _StandIn:
    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        require_tensorflow(f"`{cls.__name__}`", TO_LOAD)


@keras.saving.register_keras_serializable(package="swin_keras")
class SwinAdamW(_StandIn):
    """Refuse to be loaded, in a sentence that says what can be done."""


@keras.saving.register_keras_serializable(package="swin_keras")
class SwinMuon(_StandIn):
    """Refuse to be loaded, in a sentence that says what can be done."""
