"""A convolution over feature maps of several sizes."""

import keras

from swin_keras.layers.initialization import initializer_config, make_initializer
from swin_keras.layers.map_size import as_pair, plain_size
from swin_keras.layers.pointwise import pointwise
from swin_keras.layers.resizing import resized


@keras.saving.register_keras_serializable(package="swin_keras")
class MapMixing(keras.layers.Layer):
    """Mix feature maps of several sizes: `(B, Hi, Wi, Ci)` each, to `(B, H, W, units)`.

    The numbers are those of a 1 x 1 convolution without bias over the maps, each
    resized bilinearly to `size` and all joined. Both steps are linear and so may be
    done in any order: here each map meets its rows of the kernel while it is small,
    and what is resized is added up. That takes a fraction of the multiply-adds, and
    the joined map, the largest there would be, is never made.

    Args:
        units: Channels of the result.
        size: `(height, width)` of the result.
        kernel_initializer: Initializer of the kernel; `None` is the published way, see
            `make_initializer`.

    Call arguments:
        inputs: List of feature maps, in the order of the kernel's rows.

    Returns:
        Feature map of shape `(B, height, width, units)`.
    """

    def __init__(self, units: int, size, kernel_initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.units = plain_size(units)
        self.size = plain_size(size)
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(1, 1, sum(shape[-1] for shape in input_shape), self.units),
            initializer=make_initializer(self.kernel_initializer),
        )

    def call(self, inputs):
        kernel, row, mixed = self.kernel[0, 0], 0, []
        for x in inputs:
            rows = kernel[row : row + x.shape[-1]]
            mixed.append(resized(pointwise(x, rows), self.size))
            row += x.shape[-1]
        return sum(mixed[1:], mixed[0])

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], *as_pair(self.size), self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "size": self.size,
            "kernel_initializer": initializer_config(self.kernel_initializer),
        }
