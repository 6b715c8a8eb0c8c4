"""Small models, and checkpoints of them in every layout and kind of file."""

import struct
import zipfile

import numpy as np
from safetensors.numpy import save_file

from swin_keras.models import SwinClassifier, SwinConfig, SwinV2Config
from swin_keras.weights.formats import HUGGINGFACE, OFFICIAL, TIMM, TORCHVISION
from swin_keras.weights.saving import published_arrays

SIZES = {
    "input_shape": (32, 32, 3),
    "patch_size": 2,
    "embed_dim": 8,
    "depths": (2, 1),
    "num_heads": (1, 2),
    "window_size": 4,
}
LAYOUTS = {
    "official": (OFFICIAL, ""),
    "timm": (TIMM, ""),
    "huggingface": (HUGGINGFACE, "swin."),
    "torchvision": (TORCHVISION, ""),
}
CONFIGS = {"Swin": SwinConfig, "Swin V2": SwinV2Config}


def small_model(version="Swin", seed=0, classes=5, **changes):
    """Build a classifier of two stages with random weights, all different from 0."""
    options = {
        name: changes.pop(name)
        for name in ("include_top", "pooling")
        if name in changes
    }
    config = CONFIGS[version]().replace(**{**SIZES, **changes})
    model = SwinClassifier(config, classes=classes, **options)
    rng = np.random.default_rng(seed)
    model.set_weights(
        [rng.normal(scale=0.3, size=weight.shape) for weight in model.get_weights()]
    )
    return model


def checkpoint_arrays(model, layout):
    """Return a model's weights as a layout has them."""
    layout, prefix = LAYOUTS[layout]
    return published_arrays(model, layout, prefix)


def save_checkpoint(path, model, layout="official"):
    """Write a model's weights in a layout, as safetensors."""
    save_file(checkpoint_arrays(model, layout), path)
    return path


def logits(model, height=32, width=32, channels=3):
    """Run a model on the same images every time."""
    rng = np.random.default_rng(9)
    images = rng.uniform(0, 255, size=(2, height, width, channels))
    return np.asarray(model(images.astype("float32")))


def _text(word):
    word = word.encode()
    return b"X" + struct.pack("<I", len(word)) + word


def _integer(number):
    return b"J" + struct.pack("<i", number)


def _tensor(key, x):
    strides = [stride // 4 for stride in x.strides]
    body = b"ctorch._utils\n_rebuild_tensor_v2\n(("
    body += _text("storage") + b"ctorch\nFloatStorage\n" + _text(str(key))
    body += _text("cpu") + _integer(x.size) + b"tQ" + _integer(0)
    for numbers in (x.shape, strides):
        body += b"(" + b"".join(map(_integer, numbers)) + b"t"
    return body + b"\x89ccollections\nOrderedDict\n)RtR"


def pickled_tensors(arrays, opening=b""):
    """Write the pickle that torch would write for float32 arrays."""
    tensors = enumerate(arrays.items())
    body = b"".join(_text(name) + _tensor(key, x) for key, (name, x) in tensors)
    return b"\x80\x02" + opening + b"}(" + body + b"u."


def pickled_sets(sets):
    """Write the pickle of dictionaries of arrays in dictionaries, and their arrays."""
    arrays = []

    def write(content):
        if not isinstance(content, dict):
            arrays.append(content)
            return _tensor(len(arrays) - 1, content)
        items = (_text(name) + write(x) for name, x in content.items())
        return b"}(" + b"".join(items) + b"u"

    return b"\x80\x02" + write(sets) + b".", dict(enumerate(arrays))


def save_pth(path, arrays, pickle=None, compression=zipfile.ZIP_STORED):
    """Write a `.pth` file as torch does, without torch."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickle or pickled_tensors(arrays))
        archive.writestr("archive/byteorder", "little")
        for key, x in enumerate(arrays.values()):
            archive.writestr(f"archive/data/{key}", x.tobytes())
    return path
