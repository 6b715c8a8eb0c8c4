"""Tells the head of a detector from its tensors, which are ours alone."""

import itertools

from swin_keras.models import DetectionHead
from swin_keras.weights.checkpoint import Checkpoint
from swin_keras.weights.head_places import LEFT_OUT, kept_twin

_LEVELS = range(2, 32)  # of a pyramid: P2 is the first that there can be


def checkpoint_detection_head(checkpoint: Checkpoint) -> DetectionHead | None:
    """Return the detection head of a checkpoint; `None` if it has none of ours.

    Published detectors have other heads: of them a backbone can be had.
    """
    merged, levels = (_levels(checkpoint, part) for part in ("lateral", "output"))
    if not merged or merged[0] not in levels:
        return None
    kernel = checkpoint.shape(f"detector.pyramid_output_{merged[0]}.weight")
    name = "detector.one_class_convolution_{}.weight"
    convolutions = (checkpoint.has(name.format(n)) for n in itertools.count(1))
    count = len(list(itertools.takewhile(bool, convolutions)))
    has_norm = not count or checkpoint.has("detector.one_class_norm_1.weight")
    return DetectionHead(
        channels=min(kernel[:2]),  # no more than the file has numbers for
        convolutions=count,
        norm="layer" if has_norm else "none",
        first_stage=merged[0] - 1,
        extra_levels=max(0, len(levels) - len(merged)),
    )


def is_exported_detector(checkpoint: Checkpoint, names) -> bool:
    """Whether a checkpoint is a detector without the branch that exports leave out.

    Args:
        checkpoint: The checkpoint.
        names: Of the tensors of a model.
    """
    left_out = [name for name in names if name.startswith(LEFT_OUT)]
    kept = filter(None, map(kept_twin, left_out))
    return not any(map(checkpoint.has, left_out)) and any(map(checkpoint.has, kept))


def _levels(checkpoint, part) -> list[int]:
    return [
        level
        for level in _LEVELS
        if checkpoint.has(f"detector.pyramid_{part}_{level}.weight")
    ]
