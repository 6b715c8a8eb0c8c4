"""What a student loses against its teacher, beside what it loses against labels."""

import keras
from keras import ops

LABELS, TEACHER = "labels", "teacher"  # the targets of images that a teacher answered
EPSILON = 1e-8


def soft_target_loss(teacher, student, temperature: float):
    """Return the divergence of softened probabilities, for each image.

    `(B, classes)` twice to `(B,)`: KL(teacher || student) of both at `temperature`,
    times its square, so that gradients keep their size.

    Args:
        teacher: Its logits, or logarithms of its probabilities.
        student: Its logits.
        temperature: What both are divided by.

    Reference:
        Hinton et al., 2015: https://arxiv.org/abs/1503.02531
    """
    log_taught = ops.log_softmax(teacher / temperature)
    log_said = ops.log_softmax(student / temperature)
    divergence = ops.sum(ops.exp(log_taught) * (log_taught - log_said), axis=-1)
    return divergence * temperature**2


def correlation_loss(teacher, student, temperature: float):
    """Return what correlations lack to 1, between and within classes, for each image.

    `(B, classes)` twice to `(B,)`. An image's own part asks that its classes are
    ranked as the teacher ranks them; the part that all images share, that each class
    ranks the images so. Nothing but the order and the relative distances counts, so a
    teacher that is much surer than a small student can be does no harm.

    The images of a batch are those that one device computes at a time.

    Args:
        teacher: Its logits, or logarithms of its probabilities.
        student: Its logits.
        temperature: What both are divided by.

    Reference:
        DIST, Huang et al., 2022: https://arxiv.org/abs/2205.10536
    """
    taught = ops.softmax(teacher / temperature)
    said = ops.softmax(student / temperature)
    between = 1 - _correlation(taught, said, axis=1)
    within = ops.mean(1 - _correlation(taught, said, axis=0))
    return (between + within) * temperature**2


def _correlation(first, second, axis):
    """Pearson's, along an axis."""
    first = first - ops.mean(first, axis=axis, keepdims=True)
    second = second - ops.mean(second, axis=axis, keepdims=True)
    scale = ops.sum(first**2, axis=axis) * ops.sum(second**2, axis=axis)
    return ops.sum(first * second, axis=axis) / ops.sqrt(scale + EPSILON**2)


KINDS = {"soft": soft_target_loss, "dist": correlation_loss}


class DistillationLoss(keras.losses.Loss):
    """Cross-entropy with labels and the loss against a teacher, weighed.

    Args:
        kind: "soft" or "dist"; see `KINDS`.
        weight: Share of the teacher's part, 0..1; labels have the rest.
        temperature: What logits are divided by in the teacher's part.
        label_smoothing: Share of the labels given to all classes alike.

    Call arguments:
        y_true: `{"labels": (B, classes), "teacher": (B, classes)}`, shares of the
            classes and logits; or the shares alone of images without a teacher.
        y_pred: Logits `(B, classes)`.
    """

    def __init__(self, kind, weight, temperature, label_smoothing=0.0, name="loss"):
        super().__init__(name=name)
        self.kind, self.weight, self.temperature = kind, weight, temperature
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        logits = ops.cast(y_pred, "float32")
        is_taught = isinstance(y_true, dict)
        labels = ops.cast(y_true[LABELS] if is_taught else y_true, "float32")
        labelled = keras.losses.categorical_crossentropy(
            labels, logits, from_logits=True, label_smoothing=self.label_smoothing
        )
        if not is_taught:
            return labelled
        teacher = ops.cast(y_true[TEACHER], "float32")
        taught = KINDS[self.kind](teacher, logits, self.temperature)
        return (1 - self.weight) * labelled + self.weight * taught
