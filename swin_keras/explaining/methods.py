"""The methods by name, and which options each takes; no heavy imports."""

from swin_keras.errors import UsageError, nearest_name

METHODS = {
    "cam": "What the head says of each place: the mean of the map is the logit.",
    "grad-cam": "A stage's channels, each weighed by its mean gradient.",
    "hires-cam": "A stage's map times its gradient, place by place.",
    "rollout": "Which places the tokens have looked at; the same for every class.",
    "gradient-rollout": "Rollout of the attention that raised the class's score.",
    "attention": "Where one place looks: its window, and through a pair of blocks.",
}
CLASS_BLIND = ("rollout", "attention")
TAKES = {
    "stage": ("grad-cam", "hires-cam", "attention"),
    "at": ("attention",),
}


def check_method(method: str, stage=None, at=None):
    """Refuse a method that there is not, or an option that it does not take.

    Raises:
        UsageError: That says which there are, or which methods take the option.
    """
    if method not in METHODS:
        raise UsageError(
            f"There is no method {method!r}.{nearest_name(method, METHODS)} "
            f"Methods: {', '.join(METHODS)}."
        )
    for option, value in (("stage", stage), ("at", at)):
        if value is not None and method not in TAKES[option]:
            raise UsageError(
                f"`{option}` is for the methods {', '.join(TAKES[option])}. "
                f"Received: {option}={value!r} with method {method!r}."
            )
