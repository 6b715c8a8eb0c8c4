"""Letter boxes in TensorFlow: what lets a SavedModel take pictures as they are."""

import tensorflow as tf


class LetterBox:
    """What is done to the pictures of a letter-boxed detector, and to its boxes.

    The same as `whole_picture(..., letter_box=True)`, `Geometry.image` and
    `boxes_in_picture` do in NumPy, for pictures of any one size.

    Args:
        input_shape: `(height, width, channels)` of the model.
    """

    def __init__(self, input_shape):
        *self.sides, self.channels = input_shape

    def inputs(self, pictures):
        """Put pictures in the middle of black.

        `(B, h, w, C) -> (B, H, W, C)`, float32, 0..255 in whole numbers.
        """
        unit, picture, whole = self._sides(pictures)
        # The ends of (whole - picture) / 2 and (whole + picture) / 2 pixels; half a
        # pixel belongs to the part below, as in `Geometry`.
        begin, end = (
            tf.cast(-((unit - whole - part) // (2 * unit)), tf.int32)
            for part in (-picture, picture)
        )
        is_seen = tf.cast(tf.reduce_all(begin < end), tf.float32)  # not half a pixel
        end = tf.maximum(end, begin + 1)
        rows, columns = tf.unstack(end - begin)
        x = pictures
        # One direction after the other, each rounded, as Pillow does it.
        for size in ([tf.shape(x)[1], columns], [rows, columns]):
            x = tf.image.resize(x, size, "bicubic", antialias=True)
            x = tf.floor(tf.clip_by_value(x, 0.0, 255.0) + 0.5)
        black = tf.stack([begin, tf.constant(self.sides) - end], axis=1)
        x = tf.pad(x * is_seen, tf.pad(black, [[1, 1], [0, 0]]))
        return tf.ensure_shape(x, (None, *self.sides, self.channels))

    def answers(self, outputs: dict, pictures) -> dict:
        """Return a detector's outputs with boxes in shares of the pictures.

        Those that lie wholly in the black have no area, go behind the others, and
        do not count.

        Args:
            outputs: `boxes (B, N, 4)`, top, left, bottom, right in shares of the
                model's input, their `classes` and `scores (B, N)`, and how many
                `count (B,)`.
            pictures: What `inputs` was given.
        """
        _, picture, whole = self._sides(pictures)
        scale = tf.tile(tf.cast(whole / picture, tf.float32), [2])
        boxes = outputs["boxes"] * scale + (1 - scale) / 2
        boxes = tf.clip_by_value(boxes, 0.0, 1.0)
        is_counted = tf.range(float(boxes.shape[1])) < outputs["count"][:, None]
        is_seen = tf.reduce_all(boxes[..., 2:] > boxes[..., :2], axis=-1) & is_counted
        order = tf.argsort(tf.cast(~is_seen, tf.int32), stable=True)
        rows = {**outputs, "boxes": boxes}
        count = tf.reduce_sum(tf.cast(is_seen, tf.float32), axis=1)
        return {
            name: tf.gather(rows[name], order, batch_dims=1)
            for name in ("boxes", "classes", "scores")
        } | {"count": count}

    def _sides(self, pictures):
        """Return height and width of the picture in the input, and of the input.

        In whole numbers, as multiples of a unit that each side has.

        Returns:
            How many units a pixel has; the picture's part; the whole: each `(2,)`.
        """
        unit = tf.reverse(tf.shape(pictures, tf.int64)[1:3], [0])  # width, height
        whole = tf.constant(self.sides, tf.int64) * unit
        return unit, tf.reduce_min(whole), whole
