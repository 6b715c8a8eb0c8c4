"""mAP of the validation pictures, from a run's own batches."""

import numpy as np

from swin_keras.data.targets.boxes import CROWD, PADDING
from swin_keras.scores.detection import DetectionScore


class ValidationMAP:
    """Collect an epoch's validation batches; then say their mAP.

    It is that of `evaluate` for the exported branch: overlaps are the same in pixels
    of the input. Objects below a pixel of it are not among the targets, and are left
    out; boxes that reach into the black of a letter box are not cut at the picture.

    Args:
        class_names: Names of the classes.
        input_shape: `(height, width, channels)` of the model's input.
    """

    def __init__(self, class_names, input_shape):
        self.score = DetectionScore(class_names)
        height, width, _ = input_shape
        self.sides = np.array([width, height, width, height])

    def add(self, targets, outputs):
        """Count a batch.

        Args:
            targets: `(B, M, 5)`; see `Boxes`.
            outputs: The exported model's, by name: `(B, ...)`.
        """
        for row, true in enumerate(targets):
            count = round(float(outputs["count"][row]))
            true = true[true[:, 4] != PADDING]
            classes, is_crowd = true[:, 4].astype(int), true[:, 4] <= CROWD
            self.score.add(
                boxes=outputs["boxes"][row, :count][:, [1, 0, 3, 2]] * self.sides,
                scores=outputs["scores"][row, :count],
                classes=outputs["classes"][row, :count].round().astype(int),
                true_boxes=true[:, :4],
                true_classes=np.where(is_crowd, CROWD - classes, classes),
                crowd=is_crowd,
            )

    def figures(self) -> dict[str, float]:
        """Return the mAP of all, as a metric would: 0 where nothing is to be found."""
        return {"map": self.score.figures().mean_average_precision or 0.0}
