"""Detectors, with the signature of `keras.applications`."""

from swin_keras.applications.sizing import sized_config
from swin_keras.errors import UsageError
from swin_keras.models.config import SwinConfig
from swin_keras.models.detection import DetectionHead, detection_model
from swin_keras.models.detection.head import as_detection_head
from swin_keras.models.variants import as_config
from swin_keras.names import as_names
from swin_keras.weights import load_weights


def SwinDetector(
    config: SwinConfig | str = "swin_tiny",
    head: DetectionHead | str = "light",
    include_preprocessing=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    classes=None,
    name="swin_detector",
    class_names=None,
    **sizes,
):
    """Build a detector: FCOS, and scores that need no suppression of overlaps.

    `(B, H, W, channels)` images, 0..255, to `boxes (B, P, 4)` at each of the `P`
    points of `points_of`, and:

    - `many_scores (B, P, classes)`, `centerness (B, P, 1)`: the branch that learns
      from many points of each object, as the boxes do; `suppress_overlaps` reads it;
    - `one_scores (B, P, classes)`: the branch that learns from one point of each
      object, which `TopDetections` reads. It learns from what the other says and does
      not change it.

    Scores and centerness are logits. Boxes are distances left, top, right, bottom of
    the point, in pixels.

    Args:
        config: Name of a variant, or a `SwinConfig` or `SwinV2Config`.
        head: `"light"`, `"full"`, or a `DetectionHead`.
        include_preprocessing: Whether the model itself subtracts the mean and
            divides by the standard deviation, so that it takes images as they
            are read: 0..255.
        weights: `None` for random weights; `"imagenet"` for the published backbone of
            this variant; the path of a checkpoint, of a classifier, a segmenter or a
            detector, published or written by Keras; or `"hf://ORG/NAME"` on the
            Hugging Face hub. Of published detectors the backbone is taken: their heads
            are others. `swin_keras.load_weights` does the same later, with more to say.
        input_tensor: A Keras tensor to use as images instead of a new input.
        input_shape: `(height, width, channels)`; `None` is the configuration's own.
        classes: Number of classes, none for the background; `None` is that of
            `class_names`, or COCO's 80.
        name: Name of the model.
        class_names: Names of the classes, in order. Where the weights are a detector's
            that names its own, each class that both have keeps its row of the head.
        **sizes: Fields of `SwinConfig` to change, such as `drop_path_rate`.

    Returns:
        A functional `keras.Model` with a dictionary as output.

    Raises:
        UsageError: If an argument cannot work; the message says what must hold.
        WeightsError: If the weights do not belong to such a model.

    Example:

    >>> model = SwinDetector("swin_nano", classes=2, input_shape=(64, 64, 3))
    >>> tuple(model.output["one_scores"].shape), tuple(model.output["boxes"].shape)
    ((None, 340, 2), (None, 340, 4))

    Reference:
        Tian et al., 2022 (FCOS): https://arxiv.org/abs/2006.09214
        Wang et al., 2021 (one point for each object): https://arxiv.org/abs/2012.03544
        Zhou et al., 2021 (on the other's towers): https://arxiv.org/abs/2101.11782
    """
    variant = config if isinstance(config, str) else None
    config = as_config(config)
    config = sized_config(
        config, sizes, input_shape, input_tensor, weights, SwinDetector
    )
    class_names = as_names(class_names)
    if classes and class_names and len(class_names) != classes:
        raise UsageError(
            f"`class_names` must name each of the {classes} classes. "
            f"Received: {len(class_names)} names."
        )
    if classes is None:
        classes = len(class_names) if class_names else 80
    model = detection_model(
        config,
        as_detection_head(head),
        include_preprocessing=include_preprocessing,
        input_tensor=input_tensor,
        classes=classes,
        name=name,
    )
    if weights is not None:
        load_weights(model, weights, variant=variant, class_names=class_names)
    return model
