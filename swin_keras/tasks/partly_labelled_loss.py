"""What a student loses where only some of its images have a label."""

import keras
from keras import ops

from swin_keras.tasks.distillation_loss import KINDS, LABELS, TEACHER


class PartlyLabelledLoss:
    """Cross-entropy of images that have a label; of all, the loss against a teacher.

    That of `DistillationLoss`, but each part is divided by its own images, over all
    replicas. An image without a label has no share of any class, and a mix with such an
    image has the other's share alone: it counts for that much of a labelled image.

    Args:
        kind: "soft" or "dist"; see `KINDS`.
        weight: Share of the teacher's part, 0..1; labels have the rest.
        temperature: What logits are divided by in the teacher's part.
        label_smoothing: Share of the labels given to all classes alike.
        class_weights: Weight of each class in training; images without a label have 1.

    Call arguments:
        y_true: `{"labels": (B, classes), "teacher": (B, classes)}`, shares of the
            classes and logits; or the shares alone of images without a teacher.
        y_pred: Logits `(B, classes)`.
        sample_weight: What `counts` gives, added over replicas.
    """

    smallest_count = 0.0  # what has no label has no loss

    def __init__(
        self, kind, weight, temperature, label_smoothing=0.0, class_weights=None
    ):
        self.kind, self.weight, self.temperature = kind, weight, temperature
        self.label_smoothing, self.class_weights = label_smoothing, class_weights

    def counts(self, y_true):
        """Return the images that have a label, and all images: `(2,)`."""
        shares = shares_of(y_true)
        return ops.stack([ops.sum(shares), ops.sum(ops.ones_like(shares[:, 0]))])

    def __call__(self, y_true, y_pred, sample_weight=None):
        counts = self.counts(y_true) if sample_weight is None else sample_weight
        shares, logits = shares_of(y_true), ops.cast(y_pred, "float32")
        labelled = self._cross_entropy(shares, logits)
        if not isinstance(y_true, dict):
            return ops.divide_no_nan(ops.sum(labelled), counts[0])
        teacher = ops.cast(y_true[TEACHER], "float32")
        taught = KINDS[self.kind](teacher, logits, self.temperature)
        weights = self._weights(shares)
        labelled = ops.divide_no_nan(ops.sum(weights * labelled), counts[0])
        taught = ops.sum(weights * taught) / counts[1]
        return (1 - self.weight) * labelled + self.weight * taught

    def _cross_entropy(self, shares, logits):
        """Return that of each image, `(B,)`: 0 where it has no label.

        Keras' own has wrong gradients for shares that do not add up to 1.
        """
        alike = ops.sum(shares, axis=-1, keepdims=True) / shares.shape[-1]
        shares = shares + self.label_smoothing * (alike - shares)
        return -ops.sum(shares * ops.log_softmax(logits), axis=-1)

    def _weights(self, shares):
        if self.class_weights is None:
            return 1.0
        return 1.0 + ops.sum(shares * (self.class_weights - 1.0), axis=-1)


def shares_of(y_true):
    """Return the shares of the classes in an image's target, `(B, classes)`."""
    shares = y_true[LABELS] if isinstance(y_true, dict) else y_true
    return ops.cast(shares, "float32")


class LabelledAccuracy(keras.metrics.CategoricalAccuracy):
    """Accuracy of the images that have a label, each by how much of it it has."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        labelled = ops.sum(shares_of(y_true), axis=-1)
        return super().update_state(y_true, y_pred, sample_weight=labelled)
