"""The loss of a segmenter: cross-entropy of pixels, and Dice beside it."""

import keras
from keras import ops

from swin_keras.data import IGNORED

AUXILIARY = 0.4  # weight of the auxiliary head's loss, as published
SMOOTH = 1.0  # pixels added to both sides of Dice, which an absent class leaves


class PixelLoss(keras.losses.Loss):
    """Mean cross-entropy over pixels, of logits that are resized to the masks.

    Pixels of class `IGNORED` add nothing, but count: an image's loss is its sum over
    height times width, as in the published code. So each image weighs the same, and
    several devices add up to one.

    Args:
        class_weights: Weight of each class, or `None`.
        dice: Weight of the Dice loss.

    Call arguments:
        y_true: Masks `(B, H, W)`.
        y_pred: Logits `(B, h, w, classes)`, or a dictionary with "logits" and
            "auxiliary".
    """

    def __init__(self, class_weights=None, dice: float = 0.0, name="loss"):
        super().__init__(name=name)
        self.class_weights, self.dice = class_weights, dice

    def __call__(self, y_true, y_pred, sample_weight=None):
        if not isinstance(y_pred, dict):
            return super().__call__(y_true, y_pred, sample_weight)
        main = super().__call__(y_true, y_pred["logits"], sample_weight)
        auxiliary = super().__call__(y_true, y_pred["auxiliary"], sample_weight)
        return main + AUXILIARY * auxiliary

    def call(self, y_true, y_pred):
        masks = ops.cast(y_true, "int32")
        logits = ops.cast(at_size(y_pred, masks.shape[1:3]), "float32")
        counts = ops.cast(masks != IGNORED, "float32")
        classes = ops.where(masks == IGNORED, 0, masks)
        losses = keras.losses.sparse_categorical_crossentropy(
            classes, logits, from_logits=True
        )
        if self.class_weights is not None:
            weights = ops.convert_to_tensor(self.class_weights, "float32")
            losses = losses * ops.take(weights, classes)
        loss = ops.mean(losses * counts, axis=(1, 2))
        if not self.dice:
            return loss
        return loss + self.dice * dice_loss(classes, logits, counts)


def dice_loss(classes, logits, counts):
    """Return 1 less the mean Dice of the classes, for each image: `(B,)`.

    Args:
        classes: Class of each pixel, `(B, H, W)`.
        logits: `(B, H, W, classes)`.
        counts: 1 for pixels that count, 0 for others, `(B, H, W)`.

    Reference:
        Milletari et al., 2016, section 3: https://arxiv.org/abs/1606.04797
    """
    said = ops.softmax(logits) * counts[..., None]
    true = ops.one_hot(classes, logits.shape[-1]) * counts[..., None]
    common = ops.sum(said * true, axis=(1, 2))
    sizes = ops.sum(said**2 + true**2, axis=(1, 2))
    return 1 - ops.mean((2 * common + SMOOTH) / (sizes + SMOOTH), axis=-1)


def at_size(maps, size):
    """Resize maps `(B, h, w, C)` bilinearly to a height and width."""
    if tuple(maps.shape[1:3]) == tuple(size):
        return maps
    return ops.image.resize(
        maps, tuple(size), interpolation="bilinear", data_format="channels_last"
    )


class MeanIoU(keras.metrics.MeanIoU):
    """Mean over the classes of intersection over union, in the logits' own pixels.

    The mask's pixel in the middle of each counts: exact enough to compare epochs, at
    a fraction of the work. `SegmentationScore` judges a finished model.
    """

    def __init__(self, num_classes, name="mean_iou"):
        super().__init__(
            num_classes, name=name, ignore_class=IGNORED, sparse_y_pred=False
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        height, width = y_pred.shape[1:3]
        rows = [(2 * i + 1) * y_true.shape[1] // (2 * height) for i in range(height)]
        columns = [(2 * i + 1) * y_true.shape[2] // (2 * width) for i in range(width)]
        masks = ops.take(ops.take(y_true, rows, axis=1), columns, axis=2)
        super().update_state(ops.cast(masks, "int32"), y_pred)
