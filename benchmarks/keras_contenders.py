"""Our ways to run a Swin Transformer, and KerasHub's."""

import atexit
import shutil
import tempfile
from pathlib import Path

import numpy as np

CLASSES = 1000


def our_model(x, family, weights):
    from swin_keras.applications import create_model

    # torchvision attends to padding, so with its weights padding is not masked.
    variant = {"v1": "swin_tiny", "v2": "swinv2_tiny"}[family]
    return create_model(
        variant,
        input_shape=x.shape[1:],
        weights=str(weights) or None,
        mask_padding=False,
    )


def exported(x, family, weights, form):
    from swin_keras import ExportConfig, export

    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    our_model(x, family, weights).save(folder / "model.keras")
    config = ExportConfig("out", str(folder), formats=(form,), verify=False)
    return export(folder / "model.keras", config)


def ours_predict(x, family, weights):
    """What a user's `swin-keras predict` runs: the exported LiteRT file."""
    from swin_keras.inference.predictor import Predictor

    predictor = Predictor(exported(x, family, weights, "litert"))
    return lambda: predictor.probabilities(x)


def ours_saved_model(x, family, weights):
    import tensorflow as tf

    folder = exported(x, family, weights, "saved_model")
    model, constant = tf.saved_model.load(str(folder / "saved_model/1")), tf.constant(x)
    return lambda: model.serve(constant).numpy()


def ours_model_predict(x, family, weights):
    return _model_predict(our_model(x, family, weights), x)


def ours_inference(jit):
    def make(x, family, weights):
        return _inference(our_model(x, family, weights), x, jit)

    return make


def ours_training(jit, parts=1, precision="float32"):
    """Return a maker of our training step, a batch at once or in parts."""

    def make(x, family, weights):
        import keras

        from swin_keras.training.optimizer import SwinAdamW
        from swin_keras.training.training_model import TrainingModel

        keras.config.set_dtype_policy(precision)
        model = our_model(x, family, weights)
        model = TrainingModel(model.inputs, model.outputs)
        model.micro_batches = parts
        return _training(model, x, SwinAdamW(1e-4, clip_norm=5.0), jit)

    return make


def keras_hub_model(x, family):
    import keras
    from keras_hub.models import SwinTransformerBackbone

    if family != "v1":
        raise ValueError("KerasHub has no Swin V2")
    backbone = SwinTransformerBackbone(
        image_shape=x.shape[1:],
        patch_size=4,
        embed_dim=96,
        depths=(2, 2, 6, 2),
        num_heads=(3, 6, 12, 24),
        window_size=7,
    )
    inputs = keras.Input(x.shape[1:])
    pooled = keras.layers.GlobalAveragePooling1D()(backbone(inputs))
    outputs = keras.layers.Dense(CLASSES, activation="softmax")(pooled)
    return keras.Model(inputs, outputs)


def keras_hub_model_predict(x, family, weights):
    return _model_predict(keras_hub_model(x, family), x)


def keras_hub_inference(jit):
    def make(x, family, weights):
        return _inference(keras_hub_model(x, family), x, jit)

    return make


def keras_hub_training(jit, precision="float32"):
    def make(x, family, weights):
        import keras

        keras.config.set_dtype_policy(precision)
        model = keras_hub_model(x, family)
        return _training(model, x, keras.optimizers.AdamW(1e-4), jit)

    return make


def _model_predict(model, x):
    return lambda: model.predict(x, batch_size=len(x), verbose=0)


def _inference(model, x, jit):
    import tensorflow as tf

    constant = tf.constant(x)
    run = tf.function(lambda t: model(t, training=False), jit_compile=jit)
    return lambda: run(constant).numpy()


def _training(model, x, optimizer, jit):
    import keras

    labels = keras.utils.to_categorical(np.arange(len(x)) % CLASSES, CLASSES)
    model.compile(optimizer, "categorical_crossentropy", jit_compile=jit)
    return lambda: model.train_on_batch(x, labels)
