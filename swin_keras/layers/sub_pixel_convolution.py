"""A convolution whose result is finer than its input."""

import keras
from keras import ops

from swin_keras.layers.initialization import initializer_config, make_initializer
from swin_keras.layers.map_size import map_spec, plain_size
from swin_keras.layers.pointwise import pointwise


@keras.saving.register_keras_serializable(package="swin_keras")
class SubPixelConvolution(keras.layers.Layer):
    """Give each token the values of all pixels of its patch, by one matrix product.

    `(B, H, W, C) -> (B, height, width, filters)`, where height and width are
    `factor * H` and `factor * W`, or up to `factor - 1` less: where an image was
    padded to whole patches, what is beyond it is cut off at the bottom and right.

    It is the transposed convolution whose kernel is as large as its stride, with a
    bias for each place in a patch.

    Args:
        filters: Values of a pixel.
        factor: Pixels along a side of a patch.
        size: `(height, width)` of the result.
        kernel_initializer: Initializer of the kernel; `None` is the published way, see
            `make_initializer`.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.

    Returns:
        Map of shape `(B, height, width, filters)`.

    Raises:
        ValueError: If the size is not that of the patches.

    Reference:
        Shi et al., 2016, section 3.2: https://arxiv.org/abs/1609.05158
    """

    def __init__(
        self, filters: int, factor: int, size, kernel_initializer=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.factor = plain_size(factor)
        self.size = tuple(plain_size(size))
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        self.input_spec = map_spec(input_shape)
        sides = zip(input_shape[1:3], self.size, strict=True)
        if any(not 0 <= self.factor * old - new < self.factor for old, new in sides):
            raise ValueError(
                "`size` must be `factor` times the height and width of the feature "
                f"map, or up to {self.factor - 1} less. Received: size={self.size}, "
                f"factor={self.factor}, input_shape={tuple(input_shape)}."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.factor**2 * self.filters),
            initializer=make_initializer(self.kernel_initializer),
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.factor**2, self.filters), initializer="zeros"
        )

    def call(self, inputs):
        height, width = self.size
        x = pointwise(inputs, self.kernel) + ops.reshape(self.bias, (-1,))
        x = ops.depth_to_space(x, self.factor, data_format="channels_last")
        is_whole = tuple(x.shape[1:3]) == (height, width)
        return x if is_whole else x[:, :height, :width]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "factor": self.factor,
            "size": self.size,
            "kernel_initializer": initializer_config(self.kernel_initializer),
        }
