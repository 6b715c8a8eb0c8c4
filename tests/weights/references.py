"""Swin Transformers of other projects, with random weights and nothing at its start.

Needs the extra `parity`: torch, torchvision, timm and transformers.
"""

import functools
import sys

import numpy as np
import pytest
from PIL import Image

# Triton's LLVM beside TensorFlow's ends the process; torch does without on a CPU.
sys.modules.setdefault("triton", None)
torch = pytest.importorskip(
    "torch", reason="parity needs torch: pip install 'swin-keras[parity]'"
)


def _define_detection_operators():
    """Let torchvision be imported with a torch that its binary was not built for.

    Only the registration of two detection operators is in the way; no Swin
    Transformer uses them.
    """
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(
            f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
    return library


try:
    import torchvision
except RuntimeError:
    _LIBRARY = _define_detection_operators()  # as long as it lives, so do they
    torchvision = pytest.importorskip("torchvision")

timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")


def perturb(model, seed=0):
    """Move every parameter away from its initial value, and drop nothing."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.2 if parameter.ndim == 1 else 0.02
            if "relative_position_bias_table" in name or "logit_scale" in name:
                scale = 0.5
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(scale * noise)
    return model.eval()


def sizes(config):
    """Return what the constructors of all projects call alike."""
    return {
        "embed_dim": config.embed_dim,
        "depths": list(config.depths),
        "num_heads": list(config.num_heads),
        "window_size": config.window_size,
        "mlp_ratio": config.mlp_ratio,
    }


def timm_model(config, classes=1000):
    options = sizes(config)
    name = "swin_tiny_patch4_window7_224"
    if hasattr(config, "pretrained_windows"):
        name = "swinv2_tiny_window8_256"
        options["pretrained_window_sizes"] = config.pretrained_windows
    return perturb(
        timm.create_model(
            name,
            img_size=config.input_shape[:2],
            in_chans=config.input_shape[2],
            patch_size=config.patch_size,
            num_classes=classes,
            **options,
        )
    )


def huggingface_model(config, classes=1000, **more):
    kind = "Swin"
    if hasattr(config, "pretrained_windows"):
        kind = "Swinv2"
        more["pretrained_window_sizes"] = list(config.pretrained_windows)
    settings = getattr(transformers, f"{kind}Config")(
        image_size=config.input_shape[0],
        num_channels=config.input_shape[2],
        patch_size=config.patch_size,
        num_labels=classes,
        **sizes(config),
        **more,
    )
    return perturb(getattr(transformers, f"{kind}ForImageClassification")(settings))


def torchvision_model(config, classes=1000):
    swin = torchvision.models.swin_transformer
    options = sizes(config)
    options["window_size"] = [config.window_size] * 2
    options["patch_size"] = [config.patch_size] * 2
    if hasattr(config, "pretrained_windows"):
        options["block"] = swin.SwinTransformerBlockV2
        options["downsample_layer"] = swin.PatchMergingV2
    return perturb(swin.SwinTransformer(num_classes=classes, **options))


MODELS = {
    "timm": timm_model,
    "huggingface": huggingface_model,
    "torchvision": torchvision_model,
}


def last_blocks(model):
    """Return the last block of each stage, found by the names they have."""
    stages = {}
    for name, module in model.named_modules():
        if type(module).__name__ in (
            "SwinTransformerBlock",
            "SwinTransformerBlockV2",
            "SwinTransformerV2Block",
            "SwinLayer",
            "Swinv2Layer",
        ):
            stages[name.rsplit(".", 1)[0]] = module
    return list(stages.values())


def outputs(model, images):
    """Run a model on `(B, H, W, C)`; return logits and features of all stages."""
    features = []

    def keep(_module, _inputs, output):
        output = output[0] if isinstance(output, tuple) else output
        features.append(output.detach().numpy())

    hooks = [block.register_forward_hook(keep) for block in last_blocks(model)]
    with torch.no_grad():
        logits = model(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    for hook in hooks:
        hook.remove()
    return getattr(logits, "logits", logits).numpy(), features


def save(model, folder):
    """Write a model as its project does; return what to load."""
    if hasattr(model, "save_pretrained"):
        model.save_pretrained(folder)
        return folder
    if type(model).__module__.startswith("timm."):
        timm.models.save_for_hf(model, folder, safe_serialization=True)
        return folder
    folder.mkdir(exist_ok=True)
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    return folder / "model.pth"


@functools.cache
def images(height, width, channels=3):
    """Return two normalized images, `(2, height, width, channels)`."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(2, height, width, channels)).astype("float32")


def scores(project, folder, path) -> dict[str, float]:
    """Return what a project's own pipeline says of a picture, by class name."""
    if project == "huggingface":
        pipeline = transformers.pipeline("image-classification", str(folder))
        return {found["label"]: found["score"] for found in pipeline(str(path))}
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    with torch.no_grad():
        logits = model(transform(Image.open(path).convert("RGB"))[None])
    return dict(
        zip(
            model.pretrained_cfg["label_names"],
            logits.softmax(-1)[0].tolist(),
            strict=True,
        )
    )
