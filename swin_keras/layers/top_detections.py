"""The end of a detector that needs no suppression: its best answers are the objects."""

import numbers

import keras
import numpy as np
from keras import ops

from swin_keras.layers.map_size import plain_size
from swin_keras.layers.points import points_of


@keras.saving.register_keras_serializable(package="swin_keras")
class TopDetections(keras.layers.Layer):
    """Keep the highest scores of all points and classes, each with its point's box.

    `(B, P, classes)` logits and `(B, P, 4)` distances to N boxes a picture.

    What phones expect of a detector's file: relative y1, x1, y2, x2, numbers of
    classes, scores from the highest, and a count, all float32. It is for the branch
    of a detector that finds each object once; in LiteRT it is built-in operations of
    one graph. A point whose classes are close gives its box to each of them, as where
    overlaps are suppressed class by class.

    Args:
        image_shape: `(height, width)` of the picture, in pixels.
        strides: Pixels from one token to the next, of each level.
        max_detections: Boxes in a picture, at most; all points with all classes if
            there are fewer.
        score_threshold: Score above which a box counts.

    Call arguments:
        inputs: `(scores, distances)`: logits and distances left, top, right,
            bottom in pixels.

    Returns:
        `{"boxes": (B, N, 4), "classes": (B, N), "scores": (B, N), "count": (B,)}`.
        Boxes after the first `count` are there, but score too low.

    Raises:
        ValueError: If `max_detections` is below 1.
    """

    def __init__(
        self,
        image_shape,
        strides,
        max_detections: int = 100,
        score_threshold: float = 0.05,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(max_detections, numbers.Integral) or max_detections < 1:
            raise ValueError(
                "`max_detections` must be a whole number of at least 1. "
                f"Received: max_detections={max_detections!r}."
            )
        self.image_shape = plain_size(image_shape)
        self.strides = plain_size(strides)
        self.max_detections = plain_size(max_detections)
        self.score_threshold = score_threshold

    def build(self, input_shape):
        points, _ = points_of(self.image_shape, self.strides)
        height, width = self.image_shape[:2]
        _, count, _ = input_shape[0]
        if count != len(points):
            raise ValueError(
                "There must be one score for each point of the pyramid. Received: "
                f"{count} for {len(points)} points of image_shape={self.image_shape}, "
                f"strides={self.strides}."
            )
        size = np.array([height, width], "float32")
        self.points = (points[:, ::-1] / size)[None]  # (1, P, 2), y and x
        self.unit = 1 / size

    def call(self, inputs):
        scores, distances = inputs
        left, top, right, bottom = ops.split(distances, 4, axis=-1)
        centres = ops.convert_to_tensor(self.points, distances.dtype)
        unit = ops.convert_to_tensor(self.unit, distances.dtype)
        start = centres - ops.concatenate([top, left], axis=-1) * unit
        end = centres + ops.concatenate([bottom, right], axis=-1) * unit
        boxes = ops.clip(ops.concatenate([start, end], axis=-1), 0.0, 1.0)

        _, points, classes = scores.shape
        number = min(self.max_detections, points * classes)
        chances = ops.sigmoid(ops.reshape(scores, (-1, points * classes)))
        best, pairs = ops.top_k(chances, number)
        is_counted = ops.cast(best > self.score_threshold, best.dtype)
        return {
            "boxes": self._rows(boxes, pairs // classes),
            "classes": ops.cast(pairs % classes, best.dtype),
            "scores": best,
            "count": ops.sum(is_counted, axis=-1),
        }

    def _rows(self, table, places):
        """Take rows of each picture's table: `(B, P, C)`, `(B, N)` to `(B, N, C)`."""
        _, rows, columns = table.shape
        batch = ops.shape(places)[0]
        starts = ops.arange(batch, dtype=places.dtype) * rows
        flat = ops.reshape(places + starts[:, None], (-1,))
        found = ops.take(ops.reshape(table, (-1, columns)), flat, axis=0)
        return ops.reshape(found, (-1, places.shape[1], columns))

    def compute_output_shape(self, input_shape):
        batch, points, classes = input_shape[0]
        number = min(self.max_detections, points * classes)
        return {
            "boxes": (batch, number, 4),
            "classes": (batch, number),
            "scores": (batch, number),
            "count": (batch,),
        }

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "strides": self.strides,
            "max_detections": self.max_detections,
            "score_threshold": self.score_threshold,
        }
