"""The decoder of Swin-Unet."""

import keras

from swin_keras.layers import LayerNormalization, PatchExpanding
from swin_keras.layers.initialization import make_initializer
from swin_keras.models.config import SwinConfig
from swin_keras.models.segmentation.convolution import concatenate
from swin_keras.models.stages import Stage, stage_blocks


def unet_head(stages: list[Stage], config: SwinConfig):
    """Go back through the stages with their blocks once more, up to the pixels.

    Each step expands patches, joins what the stage of that size took (the skip
    connection) and applies as many blocks as that stage has.

    Args:
        stages: The stages, finest first.
        config: Sizes of the backbone, which are the decoder's.

    Returns:
        Feature map `(B, H, W, C)`, as large as the image.

    Reference:
        Cao et al., 2021, section 3: https://arxiv.org/abs/2105.05537
    """
    x = LayerNormalization(name="norm")(stages[-1].outputs)
    for number in reversed(range(1, len(stages))):
        skip, channels = stages[number - 1].inputs, config.stage_channels[number - 1]
        x = PatchExpanding(
            channels,
            kernel_initializer=config.kernel_initializer,
            name=f"head_stage_{number + 1}_expanding",
        )(x)
        x = _crop_to(x, skip.shape[1:3], f"head_stage_{number}_cropping")
        x = concatenate([x, skip], f"head_stage_{number}_concatenation")
        x = keras.layers.Dense(
            channels,
            kernel_initializer=make_initializer(config.kernel_initializer),
            name=f"head_stage_{number}_skip",
        )(x)
        x = stage_blocks(x, config, number, prefix="head_")
    x = LayerNormalization(name="head_norm")(x)
    x = PatchExpanding(
        config.embed_dim,
        factor=config.patch_size,
        kernel_initializer=config.kernel_initializer,
        name="head_expanding",
    )(x)
    return _crop_to(x, config.input_shape[:2], "head_cropping")


def _crop_to(x, size, name):
    """Cut off at the bottom and right what embedding or merging had padded."""
    rows, columns = (have - want for have, want in zip(x.shape[1:3], size, strict=True))
    if not (rows or columns):
        return x
    return keras.layers.Cropping2D(
        ((0, rows), (0, columns)), data_format="channels_last", name=name
    )(x)
