"""The area under precision and recall, of the classes that the images show."""

import keras
from keras import ops


class PrecisionRecallAUC(keras.metrics.AUC):
    """The mean of the areas under precision and recall of several classes, 0..1.

    Keras' own counts a class without a positive as 0, so that its mean also falls
    where the images show few classes. Here such a class is left out, as where a model
    is evaluated.

    Args:
        classes: How many there are.
        **kwargs: Of `keras.metrics.Metric`, such as the name.

    Call arguments:
        y_true: `(B, classes)`, 0 or 1.
        y_pred: Logits `(B, classes)`.
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(
            curve="PR",
            multi_label=True,
            num_labels=classes,
            from_logits=True,
            **kwargs,
        )

    def result(self):
        positives = self.true_positives[0] + self.false_negatives[0]
        self.label_weights = ops.cast(positives > 0, self.dtype)
        try:
            return super().result()
        finally:
            self.label_weights = None
