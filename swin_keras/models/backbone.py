"""The backbone: four stages and their feature maps."""

import keras

from swin_keras.models.config import SwinConfig
from swin_keras.models.inputs import image_inputs, sized
from swin_keras.models.stages import normalized_maps, swin_stages
from swin_keras.models.variants import as_config


def SwinBackbone(
    config: SwinConfig | str | None = None,
    name="swin_backbone",
    include_norms=False,
    include_preprocessing=False,
    input_tensor=None,
    **sizes,
):
    """Build a Swin Transformer that returns the feature map of each stage.

    `(B, H, W, channels)` to, at 224 x 224 with patches of 4 and Swin-T's width,
    `{"C2": (B, 56, 56, 96), "C3": (B, 28, 28, 192), "C4": (B, 14, 14, 384),
    "C5": (B, 7, 7, 768)}`: what feature pyramid networks for detection and
    segmentation take. The names are those of strides 4 to 32; the first stage
    is always `"C2"`.

    Args:
        config: A `SwinConfig` or `SwinV2Config`, or the name of a variant; `None` is
            Swin-T.
        name: Name of the model.
        include_norms: Whether a layer normalization follows each stage, as in the
            published detectors and segmenters.
        include_preprocessing: Whether the model itself subtracts the mean and
            divides by the standard deviation, so that it takes images as they are
            read: 0..255. Otherwise it takes normalized ones.
        input_tensor: A Keras tensor to use as images instead of a new input.
        **sizes: Fields of `SwinConfig` to change.

    Returns:
        A functional `keras.Model` with a dictionary of feature maps as output.

    Raises:
        UsageError: If the sizes cannot make a model.

    Example:

    >>> backbone = SwinBackbone(input_shape=(64, 96, 3), embed_dim=24, depths=(1, 1),
    ...     num_heads=(2, 4))
    >>> {level: feature.shape[1:] for level, feature in backbone.output.items()}
    {'C2': (16, 24, 24), 'C3': (8, 12, 48)}
    """
    config = sized(as_config(config), sizes, input_tensor)
    inputs, x, config = image_inputs(config, input_tensor, include_preprocessing)
    maps = feature_maps(x, config, include_norms)
    return keras.Model(inputs, maps, name=name)


def feature_maps(x, config: SwinConfig, include_norms=False) -> dict:
    """Apply patch embedding and all stages; return each stage's output by name.

    Args:
        x: Normalized images `(B, H, W, channels)`, symbolic.
        config: The sizes.
        include_norms: Whether a layer normalization follows each stage.

    Returns:
        `{"C2": (B, H/4, W/4, C), "C3": (B, H/8, W/8, 2C), ...}`.
    """
    stages = swin_stages(x, config)
    maps = normalized_maps(stages) if include_norms else [s.outputs for s in stages]
    return {f"C{number}": map_ for number, map_ in enumerate(maps, start=2)}
