"""The weights of a layer or a model for its copy, and what follows from them."""

import keras

from swin_keras.models.keras_internals import all_layers


def take_weights(copy, original):
    """Give a copy the weights that a layer or a model has now.

    An adapted `Normalization` computes with constants made of its weights, which
    `set_weights` leaves as they were: they are made anew, at any depth.

    Args:
        copy: A layer or a model with as many weights, in the same order.
        original: The layer or model; it stays as it is.
    """
    copy.set_weights(original.get_weights())
    for layer in all_layers(copy):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
