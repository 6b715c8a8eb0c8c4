"""Training is TensorFlow's; the models themselves run on any backend of Keras."""

import keras

from swin_keras.errors import UsageError
from swin_keras.forks import require_no_fork


def require_tensorflow(what: str):
    """Refuse another backend of Keras, and a fork where TensorFlow would hang.

    Args:
        what: What needs TensorFlow, as the sentence begins.

    Raises:
        UsageError: That says how to choose it.
    """
    require_no_fork(what)
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise UsageError(
            f"{what} needs Keras on TensorFlow, and it is on {backend!r} here. "
            "Start with KERAS_BACKEND=tensorflow. On other backends, train a model "
            "of this package with Keras' own optimizers and `model.fit`."
        )
