"""Callbacks that are told of a step while the device still computes it."""

import keras
import numpy as np


class StepCallbacks(keras.callbacks.CallbackList):
    """The callbacks of `fit`; a step that only ours look at is not waited for.

    A GPU computes a step after it was sent. Keras makes numbers of its figures at
    once: it waits for that step, and then the GPU waits for the next one. Here, if all
    callbacks that look at steps have an attribute `takes_tensors` that is true, they
    get the figures as tensors, and wait only where they read them. Beside any other
    callback all get numbers, as ever.

    Args:
        callbacks: Callbacks of Keras.
        model: The model that `fit` is called of.
        **params: What callbacks find in their `params`, such as `epochs`.
    """

    def __init__(self, callbacks, model, **params):
        super().__init__(callbacks, add_history=True, model=model, **params)

    def on_train_batch_end(self, batch, logs=None):
        self._tell("train", super().on_train_batch_end, batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        self._tell("test", super().on_test_batch_end, batch, logs)

    def _tell(self, kind, tell_numbers, batch, logs):
        if self._need_numbers(kind):
            tell_numbers(batch, logs)
            return
        for callback in self.callbacks:
            getattr(callback, f"on_{kind}_batch_end")(batch, logs)

    def _need_numbers(self, kind) -> bool:
        return any(
            _listens(callback, kind) and not getattr(callback, "takes_tensors", False)
            for callback in self.callbacks
        )


def _listens(callback, kind) -> bool:
    """Return whether a callback does something when a step begins or ends.

    Where a step begins, the one before it must be known not to have failed, if somebody
    saves weights then. Keras' own methods call those of `on_batch`.
    """
    for moment in (f"on_{kind}_batch", "on_batch"):
        for name in (f"{moment}_begin", f"{moment}_end"):
            method = getattr(callback, name)
            usual = getattr(keras.callbacks.Callback, name)
            if getattr(method, "__func__", method) is not usual:
                return True
    return False


def as_numbers(logs) -> dict[str, float]:
    """Return the figures of a step as numbers: wait until they are computed.

    Args:
        logs: Scalars by name, or arrays of one as Keras needs them for several
            machines.
    """
    return {name: np.asarray(value).item() for name, value in (logs or {}).items()}
