"""How torchvision, timm and ONNX Runtime run a Swin Transformer."""

import atexit
import shutil
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np

CLASSES = 1000
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def import_torchvision():
    """Import torchvision also without its compiled part, whose boxes Swin has not."""
    register = mock.Mock(return_value=lambda function: function)
    with mock.patch("torch.library.register_fake", register):
        import torchvision
    return torchvision


def torchvision_model(family, weights):
    if family != "v1":
        raise ValueError("torchvision's Swin V2 has another window by default")
    models = import_torchvision().models
    return _with(models.swin_t(weights=None), weights)


def timm_model(size, family, weights):
    import_torchvision()  # which timm imports
    import timm

    names = {"v1": "swin_tiny_patch4_window7_224", "v2": "swinv2_tiny_window8_256"}
    model = timm.create_model(names[family], img_size=size)
    return _with(model, weights if family == "v2" else "")


def reference(family, size):
    """Return the model whose weights all take that can, with weights that all matter.

    Random ones: a norm that begins at zero, as timm's V2, would hide its branch.
    """
    import torch

    torch.manual_seed(0)
    if family == "v1":
        return torchvision_model(family, "")
    model = timm_model(size, family, "")
    for name, weight in model.named_parameters():
        if ".norm" in name and name.endswith("weight"):
            torch.nn.init.ones_(weight)
    return model


def _with(model, weights):
    import torch

    if str(weights):
        model.load_state_dict(torch.load(weights))
    return model


def _tensor(x):
    import torch

    x = (x - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def _inference(model, x):
    import torch

    tensor = _tensor(x)

    def run():
        with torch.inference_mode():
            return torch.softmax(model(tensor), -1).numpy()

    return run


def torchvision_inference(x, family, weights):
    return _inference(torchvision_model(family, weights).eval(), x)


def timm_inference(compiled):
    return lambda x, family, weights: _inference(
        _compiled(timm_model(x.shape[1], family, weights).eval(), compiled), x
    )


def onnx_runtime(x, family, weights):
    import onnxruntime
    import torch

    if family == "v1":
        model = torchvision_model(family, weights)
    else:
        model = timm_model(x.shape[1], family, weights)
    model = torch.nn.Sequential(model.eval(), torch.nn.Softmax(-1))
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tensor, path = _tensor(x), folder / "model.onnx"
    torch.onnx.export(model, (tensor,), str(path), dynamo=False, opset_version=17)
    session = onnxruntime.InferenceSession(str(path))
    (name,) = (given.name for given in session.get_inputs())
    return lambda: session.run(None, {name: tensor.numpy()})[0]


def torchvision_training(precision):
    return lambda x, family, weights: _training(
        torchvision_model(family, weights).train(), x, precision
    )


def timm_training(compiled):
    return lambda x, family, weights: _training(
        _compiled(timm_model(x.shape[1], family, weights).train(), compiled), x
    )


def _compiled(model, compiled):
    import torch

    return torch.compile(model) if compiled else model


def _training(model, x, precision="float32"):
    import torch

    tensor, labels = _tensor(x), torch.arange(len(x)) % CLASSES
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)
    mixed = torch.autocast("cpu", torch.bfloat16, enabled=precision == "mixed_bfloat16")

    def step():
        optimizer.zero_grad(set_to_none=True)
        with mixed:
            loss = torch.nn.functional.cross_entropy(model(tensor), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
