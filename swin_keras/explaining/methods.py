"""The methods by name, and which options each takes; no heavy imports."""

from swin_keras.errors import UsageError, nearest_name

METHODS = {
    "cam": "What the head says of each place: the mean of the map is the logit.",
    "grad-cam": "A stage's channels, each weighed by its mean gradient.",
    "hires-cam": "A stage's map times its gradient, place by place.",
    "rollout": "Which places were looked at from all tokens, or from those of a mask "
    "or box; the same for every class.",
    "gradient-rollout": "Rollout of the attention that raised the class's score.",
    "attention": "Where one place looks: its window, and through a pair of blocks.",
}
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


def check_task(task, method: str, class_name=None, box=None, region=None):
    """Refuse what means nothing to a task.

    Raises:
        UsageError: That says what can be asked.
    """
    possible = (*task.explained_by, *task.looked_into_by)
    if method not in possible:
        raise UsageError(
            f'Method "{method}" explains what models for the task {task.name!r} do '
            f"not give. Ask for {', '.join(possible)}; and where a model in memory "
            "answers in another way, say how: `task`."
        )
    if class_name is not None and method in task.looked_into_by:
        raise UsageError(
            f'Method "{method}" is the same for every class. '
            f"Received: class {str(class_name)[:100]!r}."
        )
    for option, value in (("box", box), ("region", region)):
        is_asked = option in task.asked_by and method in task.explained_by
        if value is not None and not is_asked:
            raise UsageError(
                f"`{option}` means nothing to the task {task.name!r} and method "
                f'"{method}". Received: {option}={value!r}. Leave it out.'
            )
