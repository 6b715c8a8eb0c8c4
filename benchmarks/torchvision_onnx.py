"""Write torchvision's swin_t, with random weights, as ONNX.

    python torchvision_onnx.py FILE

`mobile.py` runs it in a process of its own: torch's export and TensorFlow each bring
an LLVM, and the second one to be loaded ends Python.
"""

import sys
from unittest import mock

import torch


def main(path):
    # torchvision's compiled part, which need not be there, has boxes that Swin has not.
    register = mock.Mock(return_value=lambda function: function)
    with mock.patch("torch.library.register_fake", register):
        import torchvision
    image = torch.zeros(1, 3, 224, 224)
    model = torchvision.models.swin_t(weights=None).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.02)
    torch.onnx.export(model, (image,), path, dynamo=False, opset_version=17)


if __name__ == "__main__":
    main(*sys.argv[1:])
