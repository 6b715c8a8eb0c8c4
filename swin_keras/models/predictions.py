"""What `keras.applications` has beside its models: two functions for its users."""

import numpy as np

from swin_keras.errors import UsageError


def preprocess_input(x, data_format=None):
    """Return images as they are: preprocessing is inside the models.

    `keras.applications` has such a function for each of its models; this one lets
    code that calls it run with ours. A model built with
    `include_preprocessing=False` takes images that are normalized already.

    Args:
        x: Images `(B, H, W, channels)`, 0..255.
        data_format: `None` or `"channels_last"`, the only one that there is.

    Returns:
        `x` itself.

    Raises:
        UsageError: If `data_format` is another.
    """
    if data_format not in (None, "channels_last"):
        raise UsageError(
            f"`data_format` must be None or 'channels_last'. Received: {data_format!r}."
        )
    return x


def decode_predictions(preds, top=5, class_names=None):
    """List the most probable classes of each prediction, the best first.

    Args:
        preds: Probabilities `(B, classes)`.
        top: How many classes.
        class_names: Name of each class; `None` names them by their numbers, also
            ImageNet's, whose names the checkpoints bring.

    Returns:
        For each image a list of `(number, name, probability)`.

    Raises:
        UsageError: If there is not one name for each class.

    Example:

    >>> decode_predictions([[0.25, 0.75]], class_names=["cat", "dog"])
    [[(1, 'dog', 0.75), (0, 'cat', 0.25)]]
    """
    preds = np.asarray(preds)
    if preds.ndim != 2:
        raise UsageError(
            f"`preds` must have the shape (B, classes). Received: {preds.shape}."
        )
    if class_names is None:
        class_names = [str(number) for number in range(preds.shape[1])]
    if len(class_names) != preds.shape[1]:
        raise UsageError(
            "`class_names` must name each class. Received: "
            f"{len(class_names)} names for {preds.shape[1]} classes."
        )
    order = np.argsort(-preds, axis=1, kind="stable")[:, :top]
    return [
        [(int(best), class_names[best], float(row[best])) for best in bests]
        for row, bests in zip(preds, order, strict=True)
    ]
