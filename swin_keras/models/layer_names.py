"""The names of a model's layers: one grammar, written and read here alone.

A name begins the path of its variables in every file that users keep, and says to
which stage they belong; `tests/models/test_layer_names.py` holds them all.
"""

import re
from typing import NamedTuple

PREPROCESSING = "preprocessing"  # in the order of the data
PATCH_EMBEDDING = "patch_embedding"
POSITION_EMBEDDING = "position_embedding"
NORM = "norm"
POOLING = "pooling"
HEAD = "head"
PREDICTIONS = "predictions"
PROBABILITIES = "probabilities"  # of a segmenter

_NUMBER = r"([1-9][0-9]{0,3})"  # bounded: names also come from files
_IN_STAGE = re.compile(rf"stage_{_NUMBER}_(?:block_{_NUMBER}|merging|norm)")


class StagePart(NamedTuple):
    """What a layer within the stages is.

    Args:
        stage: Which stage it belongs to, from 1; a patch merging belongs to the
            stage before it.
        kind: "block", "merging" or "norm".
        block: Which block of the stage, from 1; 0 for other kinds.
    """

    stage: int
    kind: str
    block: int = 0


def block_name(stage: int, block: int) -> str:
    """Return the name of a block; stages and blocks count from 1."""
    return f"stage_{stage}_block_{block}"


def merging_name(stage: int) -> str:
    """Return the name of the patch merging after a stage."""
    return f"stage_{stage}_merging"


def stage_norm_name(stage: int) -> str:
    """Return the name of the norm of a stage's feature map."""
    return f"stage_{stage}_norm"


def feature_name(stage: int) -> str:
    """Return what a stage's feature map is called: "C2" for the first."""
    return f"C{stage + 1}"


def layer_name(variable) -> str:
    """Return the name of the layer of a model that a variable belongs to.

    The first name in its path that says a stage, since Keras puts that of a
    `Sequential` or sub-classed model before it; without one, the first of all.
    """
    names = variable.path.split("/")
    return next((name for name in names if stage_of(name) is not None), names[0])


def stage_part(name: str) -> StagePart | None:
    """Return what a layer is within the stages; `None` for one outside of them.

    >>> stage_part("stage_3_block_12")
    StagePart(stage=3, kind='block', block=12)
    >>> stage_part("head") is None
    True
    """
    match = _IN_STAGE.fullmatch(name)
    if match is None:
        return None
    stage, block = match.groups()
    kind = "block" if block else name.rpartition("_")[2]
    return StagePart(int(stage), kind, int(block or 0))


def pooling_number(name: str) -> int | None:
    """Return which pooling of a pyramid a layer is, from 1; `None` for another layer.

    Layers of one depth have no order of their own: a file lists them in any.

    >>> pooling_number("head_pooling_2"), pooling_number("head_pooling_2_conv")
    (2, None)
    """
    match = re.fullmatch(rf"head_pooling_{_NUMBER}", name)
    return int(match[1]) if match else None


def stage_of(name: str) -> int | None:
    """Return the stage of a layer: 0 before the first, `None` after the last.

    >>> [stage_of(name) for name in ("patch_embedding", "stage_1_merging", "head")]
    [0, 1, None]
    """
    if name in (PATCH_EMBEDDING, POSITION_EMBEDDING):
        return 0
    part = stage_part(name)
    return part and part.stage


def is_known(name: str) -> bool:
    """Return whether a layer with weights has a name that this package gives.

    >>> [is_known(name) for name in ("stage_1_norm", "norm", "head_fusion", "dense")]
    [True, True, True, False]
    """
    return stage_of(name) is not None or name == NORM or name.startswith(HEAD)
