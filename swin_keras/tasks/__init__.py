"""Tasks: what kind of answer a model gives. One small object each, in one table."""

import importlib
from typing import TYPE_CHECKING

from swin_keras.errors import UsageError, nearest_name

if TYPE_CHECKING:
    from swin_keras.tasks.task import Task

# Name -> module with its `TASK`, imported when it is asked for: the command line
# answers before Keras is imported.
TASKS = {
    "classify": "swin_keras.tasks.classify",
    "multi-label": "swin_keras.tasks.multi_label",
    "segment": "swin_keras.tasks.segment",
    "detect": "swin_keras.tasks.detect",
    "features": "swin_keras.tasks.features",
}
# Kinds of distillation that learn from a teacher's answers.
ANSWERS = ("soft", "dist")

__all__ = ["ANSWERS", "TASKS", "check_task", "task_named", "trained_task"]


def check_task(name: str):
    """Refuse the name of a task that does not exist.

    Raises:
        UsageError: That names the nearest.
    """
    if name not in TASKS:
        raise UsageError(
            f"There is no task {name!r}.{nearest_name(name, TASKS)} Tasks: "
            f"{', '.join(TASKS)}."
        )


def task_named(name: str) -> "Task":
    """Return a task.

    Raises:
        UsageError: If there is none of this name.
    """
    check_task(name)
    return importlib.import_module(TASKS[name]).TASK


def trained_task(card) -> "Task | None":
    """Return the task that the stages of a model were trained for.

    Feature maps that are exported have none of their own: their pictures are those of
    the task of the run. `None` where no card tells it.
    """
    name = card.train.get("task") if card else None
    return task_named(name) if isinstance(name, str) and name in TASKS else None
