"""What a file of our optimizers finds where Keras does not run on TensorFlow."""

import keras

from swin_keras.backend import TO_LOAD, require_tensorflow


class _StandIn:
    """Refuse to be loaded, in a sentence that says what can be done."""

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        require_tensorflow(f"`{cls.__name__}`", TO_LOAD)


def register_stand_ins():
    """Let Keras find these in the place of the optimizers, which need TensorFlow.

    Only where it runs on something else: there can be one class of a name.
    """
    for name in ("SwinAdamW", "SwinMuon"):
        kind = type(name, (_StandIn,), {})
        keras.saving.register_keras_serializable(package="swin_keras")(kind)
