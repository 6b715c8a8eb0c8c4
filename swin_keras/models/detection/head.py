"""DetectionHead: the sizes of what a detector has beside its backbone."""

from dataclasses import dataclass

from swin_keras.errors import UsageError, nearest_name
from swin_keras.options import named

NORMS = ("layer", "none")


@named
@dataclass(frozen=True)
class DetectionHead:
    """Sizes of a feature pyramid and of the head on it; the defaults are `light`'s.

    Args:
        channels: Channels of the pyramid and of the head.
        convolutions: Convolutions of each tower, before the predictions.
        norm: `"layer"` for a normalization of each token's channels after each
            convolution, `"none"` for none.
        first_stage: The first stage of the backbone that the pyramid takes, from 1.
        extra_levels: Levels of the pyramid beyond the backbone's.

    Layer normalization is the one that five levels can share as they share the
    convolutions: the levels' statistics differ, so a batch normalization must be one
    for each level, which makes five convolutions of one in an exported file, and it
    depends on how the batch is divided among devices.

    Raises:
        UsageError: If the sizes cannot make a head; the message says which.
    """

    channels: int = 128
    convolutions: int = 2
    norm: str = "layer"
    first_stage: int = 2
    extra_levels: int = 2

    def __post_init__(self):
        least = {"channels": 1, "convolutions": 0, "first_stage": 1, "extra_levels": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise UsageError(
                    f"`{name}` must be a whole number, at least {low}. "
                    f"Received: {value!r}."
                )
        if self.norm not in NORMS:
            raise UsageError(
                f"`norm` must be one of {', '.join(map(repr, NORMS))}. "
                f"Received: {self.norm!r}."
            )


# "full" is the published one; "light" is for phones.
DETECTION_HEADS = {
    "light": DetectionHead(),
    "full": DetectionHead(channels=256, convolutions=4),
}


def as_detection_head(head: DetectionHead | str) -> DetectionHead:
    """Return the sizes of a head; a name is one of `DETECTION_HEADS`.

    Raises:
        UsageError: If it is neither; the message names the nearest.
    """
    if isinstance(head, DetectionHead):
        return head
    if not isinstance(head, str) or head not in DETECTION_HEADS:
        raise UsageError(
            "`head` must be a DetectionHead, or one of "
            f"{', '.join(map(repr, DETECTION_HEADS))}. Received: {head!r}."
            f"{nearest_name(head, DETECTION_HEADS)}"
        )
    return DETECTION_HEADS[head]
