"""Fits a tensor of a checkpoint to a model of other sizes; each way is reported."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from swin_keras.errors import UsageError
from swin_keras.layers.windows import as_pair
from swin_keras.weights.anatomy import model_config, table_window
from swin_keras.weights.resize import crop_table, resize_map, resize_table


@dataclass(frozen=True)
class Adapted:
    """How a tensor is made to fit.

    Args:
        words: One sentence for the report; equal ones are counted.
        apply: From the published array to one of the wanted shape; `None` leaves
            the model's own values.
    """

    words: str
    apply: Callable[[np.ndarray], np.ndarray] | None = None


AS_IT_IS = Adapted("", np.asarray)


@dataclass(frozen=True)
class Adapter:
    """Rules for tensors whose shape in a file is not the model's.

    Args:
        model: The model.
        resize: `"bicubic"` or `"geometric"`; see `resize_map`.
        head_rows: For each class of the model, its row in the file's head.
        new_head: Whether the head stays as the model has it; `None` is only where
            the file's has other classes.
    """

    model: object
    resize: str = "bicubic"
    head_rows: np.ndarray | None = None
    new_head: bool | None = None

    @cached_property
    def config(self):
        """The model's configuration."""
        return model_config(self.model)

    def is_new(self, name: str, is_there: bool) -> bool:
        """Whether a tensor stays as the model has it, whatever the file has.

        Backbones of detection have no last norm either.
        """
        if not self.new_head:
            return False
        return name.startswith("head.") or (name.startswith("norm.") and not is_there)

    def fit(self, name: str, given, wanted) -> Adapted | None:
        """Say how a tensor of one shape becomes one of another.

        Args:
            name: Name of the tensor.
            given: Its shape in the file.
            wanted: Its shape in the model.

        Returns:
            An `Adapted`, or `None` if there is no way.
        """
        if name.startswith("head.") and self.head_rows is not None:
            return self._head_rows(given, wanted)
        if given == wanted:
            return AS_IT_IS
        if name.startswith("head."):
            return self._head(given, wanted)
        if name == "patch_embed.proj.weight":
            return self._channels(given, wanted)
        if name == "absolute_pos_embed":
            return self._positions(given, wanted)
        if name.endswith("relative_position_bias_table"):
            return self._table(name, given, wanted)
        return None

    def _head_rows(self, given, wanted):
        rows = self.head_rows
        if len(rows) != wanted[0] or not 0 <= min(rows) <= max(rows) < given[0]:
            return None
        words = f"head: {wanted[0]} of the {given[0]} classes, by the rows given"
        return Adapted(words, lambda x: x[rows])

    def _head(self, given, wanted):
        if given[1:] != wanted[1:] or self.new_head is False:
            return None
        return Adapted(
            f"head: new, for {wanted[0]} classes instead of {given[0]}; train it"
        )

    def _channels(self, given, wanted):
        if (given[0], *given[2:]) != (wanted[0], *wanted[2:]):
            return None
        old, new = given[1], wanted[1]
        words = f"patch embedding: {old} to {new} input channels"
        if new == 1:
            return Adapted(f"{words}, summed", lambda x: x.sum(1, keepdims=True))
        order = np.arange(new) % old
        return Adapted(
            f"{words}, repeated and scaled", lambda x: x[:, order] * (old / new)
        )

    def _positions(self, given, wanted):
        side = round(given[1] ** 0.5)
        if side**2 != given[1] or given[2] != wanted[2]:
            return None
        size = self.config.stage_sizes[0]

        def apply(x):
            return resize_map(x.reshape(side, side, -1), size).reshape(wanted)

        return Adapted(
            f"position embedding: {(side, side)} resized to {size} (bicubic)", apply
        )

    def _table(self, name, given, wanted):
        if given[1] != wanted[1]:
            return None
        stage, block = (int(part) + 1 for part in name.split(".")[1:4:2])
        layer = self.model.get_layer(f"stage_{stage}_block_{block}")
        built = layer.attention.window_size
        stated = as_pair(self.config.window_size)
        side = table_window(given[0])
        if given[0] == np.prod([2 * s - 1 for s in stated]):
            return Adapted(
                f"bias table: centre of window {stated} kept for {built} (exact: the "
                "map is no larger)",
                lambda x: crop_table(x, stated, built),
            )
        if side is None:
            return None
        return Adapted(
            f"bias table: window {(side, side)} resized to {built} ({self.resize})",
            lambda x: resize_table(x, (side, side), built, self.resize),
        )


def read_head_rows(rows) -> np.ndarray | None:
    """Return rows of a head from numbers, or from a file with one on each line.

    Args:
        rows: `None`, a sequence of whole numbers, or the path of a text file.

    Raises:
        UsageError: If they are no whole numbers.
    """
    if rows is None:
        return None
    try:
        if isinstance(rows, str | Path):
            rows = Path(rows).read_text().split()
        rows = np.array([int(row) for row in rows])
    except (OSError, ValueError) as error:
        raise UsageError(
            "`head_rows` must be whole numbers, or a file with one on each line: the "
            f"row of each class in the file's head. {error}."
        ) from error
    return rows
