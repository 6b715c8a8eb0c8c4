"""mAP of the validation images of several classes, from a run's own batches."""

import numpy as np

from swin_keras.scores.multi_label import MultiLabelResult


class ValidationLabels:
    """Collect an epoch's validation batches; then say their mAP, that of `evaluate`.

    No metric of Keras can: areas that are added up batch by batch are cut at fixed
    probabilities, between which a rare class has all of its own.

    Args:
        class_names: Names of the classes.
    """

    def __init__(self, class_names):
        self.class_names = tuple(class_names)
        self.truth, self.probabilities = [], []

    def add(self, targets, outputs):
        """Count a batch.

        Args:
            targets: Which classes each image has, 0 or 1: `(B, classes)`.
            outputs: The model's probabilities `(B, classes)`, by name.
        """
        (rows,) = outputs.values()
        self.truth.append(targets > 0)
        self.probabilities.append(rows)

    def figures(self) -> dict[str, float]:
        """Return the mAP, as a metric would: 0 where no image has a class."""
        truth, rows = map(np.concatenate, (self.truth, self.probabilities))
        if not truth.any():
            return {"pr_auc": 0.0}
        return {"pr_auc": MultiLabelResult(truth, rows, self.class_names).score}
