"""Fits a tensor of a checkpoint to a model of other sizes; each way is reported."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from swin_keras.errors import UsageError, WeightsError
from swin_keras.files import expanded
from swin_keras.layers.map_size import as_pair
from swin_keras.layers.windows import fit_window
from swin_keras.models import SwinConfig
from swin_keras.names import some_names
from swin_keras.weights.head import (
    NEW,
    HeadRows,
    check_names,
    rows_by_name,
    rows_by_position,
)
from swin_keras.weights.head_mapping import (
    BY_CLASS,
    DETAIL,
    DETAIL_KERNEL,
    HEADS,
    LEFT_OUT,
)
from swin_keras.weights.resize import crop_table, resize_map, resize_table
from swin_keras.weights.sizes import model_config, table_window


@dataclass(frozen=True)
class Adapted:
    """How a tensor is made to fit.

    Args:
        words: One sentence for the report; equal ones are counted.
        apply: From the published array to one of the wanted shape; `None` leaves
            the model's own values.
        source: Name of the file's tensor; `None` is that of the model's.
    """

    words: str
    apply: Callable[[np.ndarray], np.ndarray] | None = None
    source: str | None = None


AS_IT_IS = Adapted("", np.asarray)


@dataclass(frozen=True)
class Adapter:
    """Rules for tensors that are not the same in a file and in a model.

    Args:
        model: The model.
        mapping: Its tensors, as `tensor_mapping` lists them.
        resize: `"bicubic"` or `"geometric"`; see `resize_map`.
        head_rows: For each class of the model, its row in the file's head.
        new_head: Whether the head stays as the model has it; `None` is only where
            the file's has other classes.
        class_names: Names of the model's classes; may be empty.
        given: The configuration that the file states, or `None`.
        given_names: Names of the file's classes; may be empty.
        source: What to call the file.
        is_exported: Whether the file is a detector without what exports leave out.
    """

    model: object
    mapping: dict
    resize: str = "bicubic"
    head_rows: np.ndarray | None = None
    new_head: bool | None = None
    class_names: tuple[str, ...] = ()
    given: SwinConfig | None = None
    given_names: tuple[str, ...] = ()
    source: str = "the file"
    is_exported: bool = False

    @cached_property
    def config(self):
        """The model's configuration."""
        return model_config(self.model)

    def is_new(self, name: str, is_there: bool) -> bool:
        """Whether a tensor stays as the model has it, whatever the file has.

        Backbones of detection have no last norm either, and only those of detection
        and segmentation have one for each feature map.
        """
        if name.startswith(LEFT_OUT) and self.is_exported:
            return True
        if name.startswith(DETAIL) and not is_there:
            return True
        if name.startswith(HEADS):
            return bool(self.new_head)
        is_bare = not any(name.startswith(HEADS) for name in self.mapping)
        if re.match(r"norm\d\.", name):
            return not is_there and (bool(self.new_head) or is_bare)
        return bool(self.new_head) and name.startswith("norm.") and not is_there

    def begin(self, name: str, checkpoint) -> Adapted:
        """Return how a new tensor is initialized.

        The decoder of a U-Net begins as the encoder that it mirrors, which its
        authors found to matter much.
        """
        if name.startswith(LEFT_OUT) and self.is_exported and not self.new_head:
            return Adapted("head: centerness, which exports leave out, is new")
        if name.startswith(DETAIL) and not self.new_head:
            return Adapted("head: what it sees of the image itself is new; train it")
        mirrored = re.sub(r"^decoder\.(?=\d+\.blocks\.)", "layers.", name)
        if mirrored != name and checkpoint.has(mirrored):
            shapes = checkpoint.shape(mirrored), self.mapping[name].shape
            if fit := self.fit(mirrored, *shapes):
                words = "decoder: its blocks begin as the encoder's"
                return replace(fit, words=words, source=mirrored)
        if re.match(r"norm\d\.", name):
            return Adapted("norms of feature maps: new; train them")
        return Adapted("head: new; train it")

    def fit(self, name: str, given, wanted) -> Adapted | None:
        """Return how a tensor of one shape becomes one of another.

        Args:
            name: Name of the tensor.
            given: Its shape in the file.
            wanted: Its shape in the model.

        Returns:
            An `Adapted`, or `None` if there is no way.

        Raises:
            WeightsError: If the classes' names do not allow what is asked for.
        """
        if name.startswith(BY_CLASS):
            return self._head(name, given, wanted)
        if name == "absolute_pos_embed":
            return self._positions(given, wanted)
        if name.endswith("relative_position_bias_table"):
            return self._table(name, given, wanted)
        if given == wanted:
            return AS_IT_IS
        if name == "patch_embed.proj.weight":
            return self._channels("patch embedding", given, wanted)
        if name == DETAIL_KERNEL:
            return self._channels("convolution of the image", given, wanted)
        return None

    def _head(self, name, given, wanted):
        if given[1:] != wanted[1:]:
            return None
        head = self._rows(given[0], wanted[0])
        if head is None:
            return None
        if self.new_head is False and NEW in head.rows:
            if given == wanted or self.class_names:
                raise WeightsError(
                    "`new_head=False` must find each class of the model in "
                    f"{self.source}, which has {some_names(self.given_names)}. The "
                    f"model has {some_names(self.class_names)}."
                )
            return None
        if not head.words:
            return AS_IT_IS
        if (head.rows == NEW).all():
            return Adapted(head.words)
        own = self.mapping[name]
        return Adapted(head.words, lambda x: head.apply(x, own.read()))

    def _rows(self, given, wanted):
        rows = self.head_rows
        if rows is not None:
            if len(rows) != wanted or not 0 <= min(rows) <= max(rows) < given:
                return None
            words = f"head: {wanted} of the {given} classes, by the rows given"
            return HeadRows(words, rows)
        check_names(self.source, self.given_names, given)
        if self.class_names and self.given_names and not self._has_numbers_for_names():
            return rows_by_name(self.given_names, self.class_names)
        head = rows_by_position(given, wanted)
        if self.class_names and not head.words:
            words = f"head: the file names no classes; its {given} are taken in order"
            return HeadRows(words, head.rows)
        return head

    def _has_numbers_for_names(self):
        """Whether the file only counts its classes, and none is asked for by number."""
        numbers = tuple(map(str, range(len(self.given_names))))
        return self.given_names == numbers and not {*numbers} & {*self.class_names}

    def _channels(self, title, given, wanted):
        if (given[0], *given[2:]) != (wanted[0], *wanted[2:]):
            return None
        old, new = given[1], wanted[1]
        words = f"{title}: {old} to {new} input channels"
        if new == 1:
            return Adapted(f"{words}, summed", lambda x: x.sum(1, keepdims=True))
        order = np.arange(new) % old
        return Adapted(
            f"{words}, repeated and scaled", lambda x: x[:, order] * (old / new)
        )

    def _positions(self, given, wanted):
        grid, size = self._given_grid(given), self.config.stage_sizes[0]
        if given[-1] != wanted[-1] or (grid is None and given != wanted):
            return None
        if grid in (None, size):
            return Adapted("", lambda x: x.reshape(wanted))

        def apply(x):
            return resize_map(x.reshape(*grid, -1), size).reshape(wanted)

        return Adapted(f"position embedding: {grid} resized to {size} (bicubic)", apply)

    def _given_grid(self, shape):
        """Infer the height and width of a file's position embedding."""
        if len(shape) == 4:  # a file of ours keeps them
            return shape[1:3]
        stated = self.given and self.given.stage_sizes[0]
        if stated and stated[0] * stated[1] == shape[1]:
            return stated
        if shape == self.mapping["absolute_pos_embed"].shape:
            return None  # taken as it is
        side = math.isqrt(shape[1])
        return (side, side) if side**2 == shape[1] else None

    def _table(self, name, given, wanted):
        if given[1] != wanted[1]:
            return None
        stage, block = (int(part) + 1 for part in name.split(".")[1:4:2])
        prefix = "head_" if name.startswith("decoder.") else ""
        layer = self.model.get_layer(f"{prefix}stage_{stage}_block_{block}")
        built = layer.attention.window_size
        window = self._given_window(stage, given[0])
        if window == built:
            return AS_IT_IS
        # Without statements, a table of the same shape is the same: the square one
        # that has as many rows is but a guess.
        if given == wanted and (window is None or self.given is None):
            is_square = built[0] == built[1]
            words = f"bias table: taken for window {built}, which the file does not say"
            return AS_IT_IS if is_square else Adapted(words, np.asarray)
        stated = as_pair(self.config.window_size)
        window = window or (stated if _rows_of(stated) == given[0] else None)
        if window is None:
            return None
        if window == stated:
            return Adapted(
                f"bias table: centre of window {stated} kept for {built} (exact: the "
                "map is no larger)",
                lambda x: crop_table(x, stated, built),
            )
        return Adapted(
            f"bias table: window {window} resized to {built} ({self.resize})",
            lambda x: resize_table(x, window, built, self.resize),
        )

    def _given_window(self, stage, rows):
        """Infer which window a file's table is for, if it states it or it is square."""
        windows = []
        if self.given:
            window = as_pair(self.given.window_size)
            size = self.given.stage_sizes[stage - 1]
            windows = [fit_window(size, window, 0)[0], window]
        if side := table_window(rows):
            windows.append((side, side))
        return next((w for w in windows if _rows_of(w) == rows), None)


def _rows_of(window) -> int:
    height, width = window
    return (2 * height - 1) * (2 * width - 1)


def read_head_rows(rows) -> np.ndarray | None:
    """Return rows of a head from numbers, or from a file with one on each line.

    Args:
        rows: `None`, a sequence of whole numbers, or the path of a text file.

    Raises:
        UsageError: If they are not whole numbers.
    """
    if rows is None:
        return None
    try:
        if isinstance(rows, str | Path):
            rows = expanded(rows).read_text().split()
        rows = np.array([int(row) for row in rows])
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(
            "`head_rows` must be whole numbers, or a file with one on each line: the "
            f"row of each class in the file's head. {error}."
        ) from error
    return rows
