"""One way to run Swin-T, in a process of its own; see `peers.py`.

python contenders.py NAME BATCH MODE SIZE WEIGHTS
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from race import answer_turns

CLASSES = 1000
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def images(batch, size):
    shape = (batch, size, size, 3)
    return np.random.default_rng(0).uniform(0, 255, shape).astype("float32")


def torch_images(x):
    import torch

    x = (x - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def our_model(size, weights):
    from swin_keras.models import SwinTiny

    # torchvision attends to padding, so with its weights padding is not masked.
    return SwinTiny(
        input_shape=(size, size, 3), weights=str(weights) or None, mask_padding=False
    )


def exported(size, weights, form):
    from swin_keras import ExportConfig, export

    folder = Path(tempfile.mkdtemp())
    our_model(size, weights).save(folder / "model.keras")
    config = ExportConfig("out", str(folder), formats=(form,), verify=False)
    return export(folder / "model.keras", config)


def ours_predict(x, weights):
    """What a user's `swin-keras predict` runs: the exported LiteRT file."""
    from swin_keras.inference import Predictor

    predictor = Predictor(exported(x.shape[1], weights, "litert"))
    return lambda: predictor.probabilities(x)


def ours_saved_model(x, weights):
    import tensorflow as tf

    folder = exported(x.shape[1], weights, "saved_model")
    model, constant = tf.saved_model.load(str(folder / "saved_model/1")), tf.constant(x)
    return lambda: model.serve(constant).numpy()


def _keras_inference(model, x, jit):
    import tensorflow as tf

    constant = tf.constant(x)
    run = tf.function(lambda t: model(t, training=False), jit_compile=jit)
    return lambda: run(constant).numpy()


def ours_graph(x, weights):
    return _keras_inference(our_model(x.shape[1], weights), x, jit=False)


def ours_xla(x, weights):
    return _keras_inference(our_model(x.shape[1], weights), x, jit=True)


def keras_hub_model(size):
    import keras
    from keras_hub.models import SwinTransformerBackbone

    backbone = SwinTransformerBackbone(
        image_shape=(size, size, 3),
        patch_size=4,
        embed_dim=96,
        depths=(2, 2, 6, 2),
        num_heads=(3, 6, 12, 24),
        window_size=7,
    )
    inputs = keras.Input((size, size, 3))
    pooled = keras.layers.GlobalAveragePooling1D()(backbone(inputs))
    return keras.Model(
        inputs, keras.layers.Dense(CLASSES, activation="softmax")(pooled)
    )


def keras_hub_graph(x, weights):
    return _keras_inference(keras_hub_model(x.shape[1]), x, jit=False)


def keras_hub_xla(x, weights):
    return _keras_inference(keras_hub_model(x.shape[1]), x, jit=True)


def import_torchvision():
    """Import torchvision also without its compiled part, whose boxes Swin has not."""
    from unittest import mock

    register = mock.Mock(return_value=lambda function: function)
    with mock.patch("torch.library.register_fake", register):
        import torchvision
    return torchvision


def torchvision_model(weights):
    import torch

    torchvision = import_torchvision()
    model = torchvision.models.swin_t(weights=None)
    if str(weights):
        model.load_state_dict(torch.load(weights))
    return model


def timm_model(size):
    import_torchvision()  # which timm imports
    import timm

    return timm.create_model("swin_tiny_patch4_window7_224", img_size=size)


def _torch_inference(model, x):
    import torch

    tensor, model = torch_images(x), model.eval()

    def run():
        with torch.inference_mode():
            return torch.softmax(model(tensor), -1).numpy()

    return run


def torchvision(x, weights):
    return _torch_inference(torchvision_model(weights), x)


def timm(x, weights):
    return _torch_inference(timm_model(x.shape[1]), x)


def onnx_runtime(x, weights):
    import onnxruntime
    import torch

    tensor, path = torch_images(x), Path(tempfile.mkdtemp()) / "model.onnx"
    model = torch.nn.Sequential(torchvision_model(weights).eval(), torch.nn.Softmax(-1))
    torch.onnx.export(model, (tensor,), str(path), dynamo=False, opset_version=17)
    session = onnxruntime.InferenceSession(str(path))
    (name,) = (given.name for given in session.get_inputs())
    return lambda: session.run(None, {name: tensor.numpy()})[0]


def _keras_training(model, x, optimizer, jit):
    import keras

    labels = np.arange(len(x)) % CLASSES
    labels = keras.utils.to_categorical(labels, CLASSES)
    model.compile(optimizer, "categorical_crossentropy", jit_compile=jit)
    return lambda: model.train_on_batch(x, labels)


def ours_training(jit):
    def make(x, weights):
        from swin_keras.training.optimizer import SwinAdamW
        from swin_keras.training.training_model import TrainingModel

        model = our_model(x.shape[1], weights)
        model = TrainingModel(model.inputs, model.outputs)
        return _keras_training(model, x, SwinAdamW(1e-4, clip_norm=5.0), jit)

    return make


def keras_hub_training(jit):
    def make(x, weights):
        import keras

        model = keras_hub_model(x.shape[1])
        return _keras_training(model, x, keras.optimizers.AdamW(1e-4), jit)

    return make


def _torch_training(model, x):
    import torch

    tensor, model = torch_images(x), model.train()
    labels = torch.arange(len(x)) % CLASSES
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(tensor), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


INFERENCE = {
    "swin-keras predict": ours_predict,
    "swin-keras SavedModel": ours_saved_model,
    "swin-keras graph": ours_graph,
    "swin-keras XLA": ours_xla,
    "KerasHub graph": keras_hub_graph,
    "KerasHub XLA": keras_hub_xla,
    "torchvision": torchvision,
    "timm": timm,
    "ONNX Runtime": onnx_runtime,
}
TRAINING = {
    "swin-keras XLA": ours_training(jit=True),
    "swin-keras graph": ours_training(jit=False),
    "KerasHub XLA": keras_hub_training(jit=True),
    "KerasHub graph": keras_hub_training(jit=False),
    "torchvision": lambda x, weights: _torch_training(torchvision_model(weights), x),
    "timm": lambda x, weights: _torch_training(timm_model(x.shape[1]), x),
}


def main(name, batch, mode, size, weights):
    def make_step():
        x = images(int(batch), int(size))
        makers = INFERENCE if mode == "inference" else TRAINING
        try:
            step = makers[name](x, weights)
            first = step()
            step()
        except Exception as error:  # theirs may be of any kind
            return None, {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        has_weights = weights and not name.startswith(("KerasHub", "timm"))
        if mode == "training" or not has_weights:
            return step, {}
        return step, {"probabilities": np.asarray(first).tolist()}

    answer_turns(make_step)


if __name__ == "__main__":
    main(*sys.argv[1:])
