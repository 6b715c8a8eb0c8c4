"""What of a model's answer is named: how many classes, and from which score on."""

from dataclasses import dataclass
from numbers import Integral, Real

from swin_keras.errors import UsageError


@dataclass(frozen=True)
class Wanted:
    """What of an answer is named.

    Args:
        top: How many of the best classes.
        min_score: Score from which on a box, or one of several classes, is there;
            `None` where a task has no such score.
    """

    top: int
    min_score: float | None = None


def wanted_of(task, top, min_score=None) -> Wanted:
    """Return what is asked of a task; without a score, the task's own.

    Raises:
        UsageError: If `top` is below 1, or `min_score` no share of 1, or the task has
            no such score.
    """
    if not isinstance(top, Integral) or top < 1:
        raise UsageError(
            f"`top` must be a whole number of at least 1. Received: top={top!r}."
        )
    if min_score is None:
        return Wanted(top, task.min_score)
    if task.min_score is None:
        raise UsageError(
            "`min_score` is for boxes, and for images of several classes. Received: "
            f"min_score={min_score!r} for the task {task.name!r}. Leave it out."
        )
    if not isinstance(min_score, Real) or not 0 <= min_score <= 1:
        raise UsageError(
            f"`min_score` must be between 0 and 1. Received: {min_score!r}."
        )
    return Wanted(top, float(min_score))
