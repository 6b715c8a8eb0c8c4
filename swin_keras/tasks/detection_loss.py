"""The loss of a detector, divided by the objects of the global batch."""

from keras import ops

from swin_keras.detection.assignment import assign_many
from swin_keras.detection.losses import centerness_of, detection_loss, total_loss
from swin_keras.layers.points import points_of


class DetectionLoss:
    """Parts of the loss, each divided by a count that all replicas share.

    Args:
        input_shape: Of the model.
        strides: Of the levels of its pyramid.

    Call arguments:
        y_true: Boxes `(B, M, 5)`.
        y_pred: What `SwinDetector` gives.
        sample_weight: What `counts` gives, added over replicas, or a share of it.
    """

    smallest_count = 1.0  # pictures without objects have a loss

    def __init__(self, input_shape, strides):
        self.points, self.strides = points_of(input_shape, strides)

    def counts(self, y_true):
        """Return what the parts are divided by, as far as the boxes tell: `(3,)`.

        Points of the one-to-many branch, their centerness, and objects, which have one
        point each in the other branch.
        """
        return counts_of(ops.cast(y_true, "float32"), self.points, self.strides)

    def __call__(self, y_true, y_pred, sample_weight=None):
        parts = detection_loss(y_pred, y_true, self.points, self.strides)
        if sample_weight is None:
            return total_loss(parts)
        points, central, objects = (sample_weight[i] for i in range(3))
        counts = {
            "many_scores": points,
            "boxes": central,
            "centerness": points,
            "one_scores": objects,
        }
        return sum(parts[name][0] / count for name, count in counts.items())


def counts_of(boxes, points, strides):
    """Return matched points, the sum of their centerness, and objects: `(3,)`."""
    matched = assign_many(boxes, points, strides)
    own = ops.take_along_axis(boxes, ops.maximum(matched, 0)[..., None], axis=1)
    central = ops.where(matched >= 0, centerness_of(points, own[..., :4]), 0.0)
    return ops.stack(
        [
            ops.sum(ops.cast(matched >= 0, "float32")),
            ops.sum(central),
            ops.sum(ops.cast(boxes[..., 4] >= 0, "float32")),
        ]
    )
