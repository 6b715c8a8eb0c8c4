"""What a format is: where it keeps each tensor, and how to know it."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np

# What stands beside the backbone of a segmenter, without its prefix.
DENSE_HEADS = ("decode_head.", "auxiliary_head.")


@dataclass(frozen=True)
class Slot:
    """Where a tensor is in a file: the whole of a stored tensor, or one part.

    Args:
        name: Name of the stored tensor.
        part: Which part along its first axis.
        parts: How many equal parts it has.
        in_order: From the stored array to the official code's order.
    """

    name: str
    part: int = 0
    parts: int = 1
    in_order: Callable[[np.ndarray], np.ndarray] = field(default=np.asarray, repr=False)


@dataclass(frozen=True)
class Format:
    """A published layout.

    Names of ours are those of the official code, with query, key and value
    apart: `layers.0.blocks.1.attn.q.weight`.

    Args:
        name: What users call it.
        anchor: A tensor of every file in this layout. What stands before it in a
            file, such as `backbone.`, stands before all names of the model.
        locate: Gives the slot of a tensor of ours.
        recognize: Whether the names, without the prefix, are this layout's.
        outside: How names of the model begin that never have the prefix.
    """

    name: str
    anchor: str
    locate: Callable[[str], Slot]
    recognize: Callable[[Collection[str]], bool]
    outside: tuple[str, ...] = ()


def rename(name: str, patterns: dict[str, str | Callable]) -> str:
    """Apply each regular expression that matches, in order."""
    for pattern, replacement in patterns.items():
        name = re.sub(pattern, replacement, name)
    return name
