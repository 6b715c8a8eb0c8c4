"""One way to run a Swin Transformer, in a subprocess; see `peers.py`.

python contenders.py NAME BATCH MODE FAMILY SIZE WEIGHTS
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_contenders as of_keras
import numpy as np
import torch_contenders as of_torch
from race import answer_turns

BFLOAT16 = "mixed_bfloat16"  # products in bfloat16, weights in float32

# Each maker takes a batch of images (0..255), a family and a file of weights, and
# returns a step, which in inference returns probabilities.
INFERENCE = {
    "swin-keras predict": of_keras.ours_predict,
    "swin-keras SavedModel": of_keras.ours_saved_model,
    "swin-keras model.predict": of_keras.ours_model_predict,
    "swin-keras graph": of_keras.ours_inference(jit=False),
    "swin-keras XLA": of_keras.ours_inference(jit=True),
    "KerasHub model.predict": of_keras.keras_hub_model_predict,
    "KerasHub graph": of_keras.keras_hub_inference(jit=False),
    "KerasHub XLA": of_keras.keras_hub_inference(jit=True),
    "torchvision": of_torch.torchvision_inference,
    "timm": of_torch.timm_inference(compiled=False),
    "timm compiled": of_torch.timm_inference(compiled=True),
    "ONNX Runtime": of_torch.onnx_runtime,
}
TRAINING = {
    "swin-keras XLA": of_keras.ours_training(jit=True),
    "swin-keras XLA, 2 parts": of_keras.ours_training(jit=True, parts=2),
    "swin-keras XLA, 4 parts": of_keras.ours_training(jit=True, parts=4),
    "swin-keras graph": of_keras.ours_training(jit=False),
    "swin-keras graph, 4 parts": of_keras.ours_training(jit=False, parts=4),
    "KerasHub XLA": of_keras.keras_hub_training(jit=True),
    "KerasHub default": of_keras.keras_hub_training(jit="auto"),
    "torchvision": of_torch.torchvision_training("float32"),
    "timm": of_torch.timm_training(compiled=False),
    "timm compiled": of_torch.timm_training(compiled=True),
    "swin-keras bfloat16": of_keras.ours_training(jit=False, precision=BFLOAT16),
    "KerasHub bfloat16": of_keras.keras_hub_training("auto", BFLOAT16),
    "torchvision bfloat16": of_torch.torchvision_training(BFLOAT16),
}


def takes_weights(name, family) -> bool:
    """Return whether a contender reads the weights of torchvision (V1) or timm (V2)."""
    return not name.startswith("KerasHub" if family == "v2" else ("KerasHub", "timm"))


def main(name, batch, mode, family, size, weights):
    def make_step():
        shape = (int(batch), int(size), int(size), 3)
        x = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
        makers = INFERENCE if mode == "inference" else TRAINING
        try:
            step = makers[name](x, family, weights)
            first = step()
            step()
        except Exception as error:  # theirs may be of any kind
            return None, {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        if mode == "inference" and weights and takes_weights(name, family):
            return step, {"probabilities": np.asarray(first).tolist()}
        return step, {}

    answer_turns(make_step)


if __name__ == "__main__":
    main(*sys.argv[1:])
