"""Segmenters, with the signature of `keras.applications`."""

from swin_keras.applications.sizing import sized_config
from swin_keras.models.config import SwinConfig
from swin_keras.models.segmentation import SegmentationHead, segmentation_model
from swin_keras.models.segmentation.head import as_head
from swin_keras.models.variants import as_config
from swin_keras.weights import load_weights


def SwinSegmenter(
    config: SwinConfig | str = "swin_tiny",
    head: SegmentationHead | str = "mlp",
    auxiliary=False,
    include_preprocessing=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    classes=150,
    name=None,
    **sizes,
):
    """Build a model that gives each pixel of an image a class.

    `(B, H, W, channels)` images, 0..255, to `(B, H/s, W/s, classes)` logits, rounded
    up; `s` is the side of a patch, 4 in published models, or 1 with a U-Net or with
    `sub_pixel`. A pixel's class is that of the largest logit, after resizing them
    bilinearly.

    Args:
        config: Name of a variant, or a `SwinConfig` or `SwinV2Config`.
        head: `"mlp"`, the lightest; `"upernet"`, the Swin paper's; `"unet"`; or a
            `SegmentationHead` with more to say.
        auxiliary: Whether a second, small head predicts the classes from the map before
            the last, to be trained along (the papers weight its loss with 0.4). The
            output is then `{"logits": ..., "auxiliary": ...}`; `without_auxiliary`
            takes it off. Not with a U-Net.
        include_preprocessing: Whether the model itself subtracts the mean and
            divides by the standard deviation, so that it takes images as they
            are read: 0..255.
        weights: `None` for random weights; `"imagenet"` for the published backbone of
            this variant; the path of a checkpoint, of a classifier or a segmenter,
            published or written by Keras; or `"hf://ORG/NAME"` on the Hugging Face
            hub. `swin_keras.load_weights` does the same later, with more to say.
        input_tensor: A Keras tensor to use as images instead of a new input.
        input_shape: `(height, width, channels)`; `None` is the configuration's own.
        classes: Number of classes; published heads have ADE20K's 150.
        name: Name of the model; `None` is that of variant and head.
        **sizes: Fields of `SwinConfig` to change, such as `drop_path_rate`.

    Returns:
        A functional `keras.Model`.

    Raises:
        UsageError: If an argument cannot work; the message says what must hold.

    Example:

    >>> model = SwinSegmenter("swin_nano", input_shape=(64, 96, 3), classes=5)
    >>> model.output_shape
    (None, 32, 48, 5)
    """
    head, variant = as_head(head), config if isinstance(config, str) else None
    config = as_config(config)
    model = segmentation_model(
        sized_config(config, sizes, input_shape, input_tensor, weights, SwinSegmenter),
        head,
        auxiliary=auxiliary,
        include_preprocessing=include_preprocessing,
        input_tensor=input_tensor,
        classes=classes,
        name=name or f"{variant or 'swin'}_{head.kind}",
    )
    if weights is not None:
        load_weights(model, weights, variant=variant)
    return model
