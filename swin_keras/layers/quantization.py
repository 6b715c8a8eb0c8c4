"""Quantized layers inside a layer, kept when a model is saved.

`keras.Model.quantize` changes each dense layer where it lies. A layer's
configuration says nothing of those inside it, so what is loaded would expect
weights as they were before.
"""

import keras


class KeepsQuantization:
    """A mix-in for layers with dense layers inside, before `keras.layers.Layer`.

    How each of them is quantized goes into what Keras keeps for building the layer
    again. They are then quantized once more; loading sets their weights.
    """

    def get_build_config(self):
        config = super().get_build_config()
        quantized = {
            path: {
                "mode": dense.quantization_mode,
                "config": keras.saving.serialize_keras_object(
                    dense.quantization_config
                ),
            }
            for path, dense in _dense_layers(self)
            if dense.quantization_mode
        }
        return {**config, "quantized": quantized} if quantized else config

    def build_from_config(self, config):
        super().build_from_config(config)
        quantized = (config or {}).get("quantized", {})
        for path, dense in _dense_layers(self):
            if path in quantized:
                kept = keras.saving.deserialize_keras_object(quantized[path]["config"])
                dense.quantize(quantized[path]["mode"], config=kept)


def _dense_layers(layer, path=""):
    """Yield the dense layers inside a layer, each with the way to it."""
    inside = vars(layer)
    if keras.backend.backend() == "torch":  # which keeps modules apart
        inside = dict(layer.named_children())
    for inner in inside.values():
        if not isinstance(inner, keras.layers.Layer):
            continue
        inner_path = f"{path}{inner.name}"
        if isinstance(inner, keras.layers.Dense):
            yield inner_path, inner
        yield from _dense_layers(inner, f"{inner_path}/")
