"""A published tensor as the whole or a part of a Keras variable.

Below it, those of the layers that all models consist of.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from swin_keras.weights.tensor_file import StoredTensor


@dataclass(frozen=True)
class MappedTensor:
    """A published tensor as the whole or a part of a Keras variable.

    Args:
        variable: The variable, of a model or as it lies in a file.
        shape: Shape of the tensor as published.
        to_keras: From the published array to the variable's order.
        to_published: Back.
        part: Which part of the variable, along its last axis.
        parts: How many equal parts it has.
    """

    variable: keras.Variable | StoredTensor
    shape: tuple[int, ...]
    to_keras: Callable = np.asarray
    to_published: Callable = np.asarray
    part: int = 0
    parts: int = 1

    @property
    def index(self):
        """Where in the variable's array the part is."""
        if not len(self.variable.shape):  # a shape of TensorFlow is always true
            return ...
        width = self.variable.shape[-1] // self.parts
        return (..., slice(self.part * width, (self.part + 1) * width))

    def read(self) -> np.ndarray:
        """Return the tensor in its published form."""
        if isinstance(self.variable, StoredTensor):
            value = self.variable.read()
        else:
            value = keras.ops.convert_to_numpy(self.variable)
        return self.to_published(value[self.index])


def is_a(layer, kind: type) -> bool:
    """Whether a layer is, or in a file stands for, one of a class."""
    return issubclass(getattr(layer, "stands_for", None) or type(layer), kind)


def plain(variable, **part) -> MappedTensor:
    """Map a variable that is as published."""
    if not len(variable.shape):
        return MappedTensor(variable, ())
    shape = (*variable.shape[:-1], variable.shape[-1] // part.get("parts", 1))
    return MappedTensor(variable, shape, **part)


def transposed(variable, **part) -> MappedTensor:
    """Map a matrix that is published the other way round."""
    rows, columns = variable.shape
    shape = (columns // part.get("parts", 1), rows)
    return MappedTensor(variable, shape, np.transpose, np.transpose, **part)


def norm(layer) -> dict[str, MappedTensor]:
    """Map the tensors of a layer normalization."""
    return {"weight": plain(layer.gamma), "bias": plain(layer.beta)}


def batch_norm(layer) -> dict[str, MappedTensor]:
    """Map the tensors of a batch normalization."""
    return {
        **norm(layer),
        "running_mean": plain(layer.moving_mean),
        "running_var": plain(layer.moving_variance),
    }


def convolution(layer) -> dict[str, MappedTensor]:
    """Map the tensors of a convolution: torch has its channels first."""
    height, width, given, channels = layer.kernel.shape
    kernel = MappedTensor(
        layer.kernel,
        (channels, given, height, width),
        lambda x: np.transpose(x, (2, 3, 1, 0)),
        lambda x: np.transpose(x, (3, 2, 0, 1)),
    )
    return {"weight": kernel, **_bias(layer)}


def dense(layer) -> dict[str, MappedTensor]:
    """Map the tensors of a dense layer."""
    return {"weight": transposed(layer.kernel), **_bias(layer)}


def _bias(layer):
    bias = getattr(layer, "bias", None)
    return {} if bias is None else {"bias": plain(bias)}


def under(prefix: str, mapping: dict) -> dict[str, MappedTensor]:
    """Put a name before those of a mapping."""
    return {f"{prefix}.{name}": mapped for name, mapped in mapping.items()}
