"""Makes the files beside it: segmenters of other projects, random and tiny.

    python make.py SWIN_UNET.py

needs torch and transformers; the argument is Swin-Unet's
`networks/swin_transformer_unet_skip_expand_decoder_sys.py`, which needs einops and
timm. Each folder holds a checkpoint, and the logits that its own code gives for
`images`.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import save_file

HERE = Path(__file__).parent


def perturb(model):
    """Move every parameter and moment away from its initial value."""
    generator = torch.Generator().manual_seed(0)
    tensors = [*model.named_parameters(), *model.named_buffers()]
    with torch.no_grad():
        for name, tensor in tensors:
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.mul_(torch.exp(0.3 * noise))
            elif name.endswith("relative_position_bias_table"):
                tensor.add_(0.5 * noise)
            elif tensor.is_floating_point() and "attn_mask" not in name:
                tensor.add_((0.2 if tensor.ndim == 1 else 0.3) * noise)
    return model.eval()


def images(height, width):
    x = np.random.default_rng(0).normal(size=(1, height, width, 3))
    return x.astype("float32")


def save(folder, logits):
    np.save(HERE / folder / "logits.npy", logits.numpy().transpose(0, 2, 3, 1))


def upernet():
    """Write Hugging Face's UPerNet, whose logits are resized to the image."""
    backbone = transformers.SwinConfig(
        image_size=64,
        embed_dim=4,
        depths=[1, 2, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=3,
        mlp_ratio=1.0,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = transformers.UperNetConfig(
        backbone_config=backbone,
        hidden_size=4,
        auxiliary_channels=3,
        auxiliary_in_channels=16,
        num_labels=3,
        id2label={0: "wall", 1: "tree", 2: "sky"},
        label2id={"wall": 0, "tree": 1, "sky": 2},
    )
    model = perturb(transformers.UperNetForSemanticSegmentation(config))
    model.save_pretrained(HERE / "huggingface")
    # No map is smaller than a window, where Hugging Face's code has its own way.
    x = images(104, 136)
    pixels = torch.from_numpy(x.transpose(0, 3, 1, 2))
    with torch.no_grad():
        features = model.backbone.forward_with_filtered_kwargs(pixels).feature_maps
        save("huggingface", model.decode_head(features))


def swin_unet(path):
    """Write Swin-Unet as its training saves it."""
    spec = importlib.util.spec_from_file_location("swin_unet", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.SwinTransformerSys(
        img_size=32,
        embed_dim=4,
        depths=[1, 2, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=2,
        mlp_ratio=1.0,
        num_classes=3,
    )
    perturb(network)
    (HERE / "swin_unet").mkdir(exist_ok=True)
    tensors = {f"swin_unet.{name}": x for name, x in network.state_dict().items()}
    save_file(tensors, HERE / "swin_unet" / "model.safetensors")
    x = images(32, 32)
    with torch.no_grad():
        save("swin_unet", network(torch.from_numpy(x.transpose(0, 3, 1, 2))))


if __name__ == "__main__":
    upernet()
    swin_unet(sys.argv[1])
