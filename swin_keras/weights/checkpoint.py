"""A checkpoint: a file of tensors whose layout is known."""

import re

import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.names import printable
from swin_keras.weights.formats import KERAS, LAYOUTS
from swin_keras.weights.formats.huggingface import MODERN_NAMES
from swin_keras.weights.formats.layout import rename
from swin_keras.weights.relatives import relative_in_words
from swin_keras.weights.source import Source, find_source
from swin_keras.weights.tensor_file import damaged_file, open_tensor_file, weight_keys

# Recomputed when a model is built: not weights.
_BUFFERS = re.compile(  # what is computed, or counts, or is the optimizer's of Keras
    r".*\.(attn_mask|relative_position_index|relative_coords_table|num_batches_tracked)$"
    r"|/optimizer/"
)
_ENDS = ("norm.weight", "norm.bias", "head.weight", "head.bias")
# Of a model that pretrains, averages, gives features or segments: no part of a
# classifier, nor of a segmenter with another head.
_EXTRAS = re.compile(
    r"/|n_averaged$|steps$|norm\d|(embeddings\.)?mask_token|hidden_states_norms\.|swin.*\.layernorm"
    r"|decoder\.|decode_head\.|auxiliary_head\.|layers_up\.|concat_back_dim\.|norm_up\.|up\.|output\."
    r"|detector\."
)


class Checkpoint:
    """The tensors of a checkpoint by the names of the official code.

    Query, key and value have names of their own (`attn.q.weight`), whether the
    file keeps them apart or as one.

    Args:
        source: The file, as `find_source` returns it.
        patches: See `list_keras`.
        key: Which of several sets of weights in it, such as `"model_ema"`; `None`
            takes plain weights before averages of them.

    Raises:
        WeightsError: If the file is damaged or of no known layout.
    """

    def __init__(self, source: Source, patches=None, key: str | None = None):
        self.source = source
        self.key = key
        tensors = open_tensor_file(source.path, patches=patches, key=key)
        self.format, self.prefix, self._stored = _recognize(tensors, source)
        self._last = None, None

    @property
    def is_keras(self) -> bool:
        """Whether Keras wrote the file, for a model of this package."""
        return self.format is KERAS

    def choice(self) -> list[str]:
        """Report which of several sets of weights this is; nothing if there is one."""
        keys = [printable(key) for key in weight_keys(self.source.path)]
        if len(keys) < 2 or self.key is not None:
            return []
        return [
            f"weights: those under {keys[0]!r}. Others are under "
            f"{', '.join(map(repr, keys[1:]))}; `key=` takes them"
        ]

    def has(self, name: str) -> bool:
        """Whether the file has a tensor."""
        return self.format.locate(name).name in self._stored

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor that the file has."""
        slot = self.format.locate(name)
        shape = self._stored[slot.name].shape
        return (shape[0] // slot.parts, *shape[1:]) if shape else shape

    def dtype(self, name: str) -> str:
        """Return NumPy's name for the dtype of a tensor that the file has."""
        return self._stored[self.format.locate(name).name].dtype

    def read(self, name: str) -> np.ndarray:
        """Read a tensor, as float32, or as float64 where the file has that.

        Raises:
            WeightsError: If the file is damaged, or a number is not finite.
        """
        slot = self.format.locate(name)
        x = slot.in_order(self._read_stored(slot.name))
        width = len(x) // slot.parts if x.ndim else 0
        return x[slot.part * width : (slot.part + 1) * width] if x.ndim else x

    def buffer(self, name: str) -> np.ndarray | None:
        """Read what is not a weight, such as a table of coordinates, if it is there."""
        name = self.format.locate(name).name
        return self._read_stored(name) if name in self._stored else None

    def unused(self, names) -> tuple[list[str], list[str]]:
        """Return what holds no tensor of these names: what may stay out, and others.

        A head may stay out of a backbone, and what served pretraining of both.
        """
        ends = {self.format.locate(name).name for name in _ENDS}
        used = {self.format.locate(name).name for name in names}
        rest = [
            name
            for name in self._stored
            if name not in used and not _BUFFERS.match(name)
        ]
        extras = [name for name in rest if name in ends or _EXTRAS.match(name)]
        return extras, [name for name in rest if name not in extras]

    def num_parameters(self) -> int:
        """Count the numbers in weights, buffers left out."""
        return sum(
            int(np.prod(stored.shape))
            for name, stored in self._stored.items()
            if not _BUFFERS.match(name)
        )

    def _read_stored(self, name):
        if self._last[0] != name:  # query, key and value are read together
            with damaged_file(self.source.path):
                x = np.asarray(self._stored[name].read())
                single = x.astype("float32")
                if not np.isfinite(single).all():
                    raise WeightsError(f"{name} has numbers that are not finite")
            self._last = name, x if x.dtype == "float64" else single
        return self._last[1]


def open_checkpoint(
    address, variant: str | None = None, key: str | None = None, patches=None
) -> Checkpoint:
    """Open a checkpoint; see `find_source` for what an address may be."""
    return Checkpoint(find_source(address, variant), patches, key)


def tensor_shapes(address) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor in a file, also one of another architecture.

    Raises:
        WeightsError: If the file is missing or damaged.
    """
    tensors = open_tensor_file(find_source(address).path)
    return {name: tuple(stored.shape) for name, stored in tensors.items()}


def _recognize(tensors, source):
    """Return the format, the prefix, and the tensors without their prefix.

    What stands outside the prefix is kept under its name, but for `/` before the
    parts of a larger model that the prefix sets apart.
    """
    if all(name.startswith("module.") for name in tensors if "." in name):
        tensors = {name.removeprefix("module."): t for name, t in tensors.items()}
    if any(".attention.q_proj." in name for name in tensors):
        tensors = {rename(name, MODERN_NAMES): t for name, t in tensors.items()}
    if relative := relative_in_words(tensors):
        raise WeightsError(f"{source.name} {relative}")
    for layout in LAYOUTS:
        found = [name for name in tensors if name.endswith(layout.anchor)]
        prefix = min(found, key=len, default="").removesuffix(layout.anchor)
        if not found or (prefix and not prefix.endswith(".")):
            continue
        own = {
            _without(prefix, name, layout): stored for name, stored in tensors.items()
        }
        if layout.recognize(own):
            return layout, prefix, own
    layouts = ", ".join(dict.fromkeys(layout.name for layout in LAYOUTS))
    raise WeightsError(
        f"{source.name} must be a Swin Transformer in the layout of {layouts}. It has "
        f"{len(tensors)} tensors of another kind: {', '.join(list(tensors)[:3])}, ..."
    )


def _without(prefix, name, layout):
    if name.startswith(prefix):
        return name.removeprefix(prefix)
    return name if name.startswith(layout.outside) else f"/{name}"
