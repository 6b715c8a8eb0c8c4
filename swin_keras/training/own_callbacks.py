"""Callbacks that a user adds to a run: which of them it can have."""

from collections.abc import Iterable

from keras import callbacks as keras_callbacks

from swin_keras.errors import UsageError

_RATE = (
    "sets its own learning rate. Leave it out, and give `learning_rate`, "
    "`warmup_epochs`, `schedule` and `min_learning_rate`"
)
_REFUSED = {
    keras_callbacks.LearningRateScheduler: _RATE,
    keras_callbacks.ReduceLROnPlateau: _RATE,
    keras_callbacks.BackupAndRestore: (
        "has its own checkpoints, over which an older backup would be read. Leave it "
        "out, and go on with `resume=True`"
    ),
}


def own_callbacks(callbacks) -> list[keras_callbacks.Callback]:
    """Return what was given as a list of callbacks.

    Args:
        callbacks: Callbacks of Keras, one of them, or `None`.

    Raises:
        UsageError: If one is no callback, or does what a run does otherwise.
    """
    if callbacks is None:
        return []
    is_several = isinstance(callbacks, Iterable)
    listed = list(callbacks) if is_several else [callbacks]
    for callback in listed:
        if not isinstance(callback, keras_callbacks.Callback):
            raise UsageError(
                "`callbacks` must be callbacks of Keras, such as "
                f"[keras.callbacks.TerminateOnNaN()]. Received: {callback!r:.200}."
            )
        for kind, reason in _REFUSED.items():
            if isinstance(callback, kind):
                raise UsageError(
                    f"A run {reason}. Received: a callback {type(callback).__name__}."
                )
    return listed
