"""`config.json` of UPerNet for `transformers`, around that of its backbone."""

from swin_keras.errors import UsageError
from swin_keras.layers import SubPixelConvolution
from swin_keras.models import SwinConfig, SwinV2Config
from swin_keras.models.layer_names import pooling_number
from swin_keras.weights.project_config import Use, huggingface_config


def check_upernet(model, config: SwinConfig):
    """Refuse a segmenter that `transformers` cannot hold.

    Raises:
        UsageError: If its head is not UPerNet, or its backbone not Swin of four stages.
    """
    names = {layer.name for layer in model.layers}
    if "head_bottleneck_conv" not in names:
        raise UsageError(
            "Of heads on a Swin Transformer, transformers has UPerNet only. Received: "
            f"{model.name!r}, which has another."
        )
    if isinstance(model.get_layer("head_logits"), SubPixelConvolution):
        raise UsageError(
            "transformers has UPerNet without `sub_pixel` only. Received: "
            f"{model.name!r}, whose output is as large as the image."
        )
    if isinstance(config, SwinV2Config) or config.position_embedding:
        raise UsageError(
            "Here, transformers' UPerNet is written on a Swin without position "
            f"embedding. Received: {type(config).__name__} with position_embedding="
            f"{config.position_embedding}."
        )


def upernet_config(model, config: SwinConfig, classes: int, use: Use) -> dict:
    """Make the `config.json` of a UPerNet for `transformers`."""
    layers = {layer.name: layer for layer in model.layers}
    whole = huggingface_config(config, classes, use)
    stages = range(1, len(config.depths) + 1)
    of_labels = ("id2label", "label2id", "dtype")
    backbone = {
        name: value
        for name, value in whole.items()
        if name not in (*of_labels, "architectures", "problem_type")
    }
    has_auxiliary = "head_auxiliary_conv" in layers
    settings = {
        "architectures": ["UperNetForSemanticSegmentation"],
        "model_type": "upernet",
        "backbone_config": {
            **backbone,
            "out_features": [f"stage{stage}" for stage in stages],
            "out_indices": list(stages),
        },
        "hidden_size": layers["head_fusion_conv"].filters,
        "pool_scales": [
            layers[name].size
            for name in sorted(filter(pooling_number, layers), key=pooling_number)
        ],
        "use_auxiliary_head": has_auxiliary,
        "auxiliary_in_channels": config.stage_channels[-2],
        "auxiliary_in_index": len(config.depths) - 2,
        **{name: whole[name] for name in of_labels},
    }
    if has_auxiliary:
        settings["auxiliary_channels"] = layers["head_auxiliary_conv"].filters
        settings["auxiliary_num_convs"] = 1
        settings["auxiliary_concat_input"] = False
    return settings


def upernet_processor(config: SwinConfig, use: Use) -> dict:
    """Make the `preprocessor_config.json` of a UPerNet for `transformers`."""
    height, width, _ = config.input_shape
    return {
        "image_processor_type": "SegformerImageProcessor",
        "do_resize": True,
        "size": {"height": height, "width": width},
        "resample": 2,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(use.mean),
        "image_std": list(use.std),
        "do_reduce_labels": False,
    }
