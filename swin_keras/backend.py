"""Training and exports are TensorFlow's; models run on any backend of Keras."""

from swin_keras.errors import UsageError
from swin_keras.forks import require_no_fork

TO_TRAIN = (
    "On other backends, train a model of this package with Keras' own optimizers and "
    "`model.fit`."
)
TO_LOAD = (
    f"{TO_TRAIN} A file of a model that was compiled with it loads by "
    "`keras.models.load_model(file, compile=False)`."
)


def require_tensorflow(what: str, otherwise: str = TO_TRAIN):
    """Refuse another backend of Keras, and a fork where TensorFlow would hang.

    Args:
        what: What needs TensorFlow, as the sentence begins.
        otherwise: What can be done with another backend.

    Raises:
        UsageError: That says how to choose it.
    """
    import keras  # here: keras begins by loading our layers and optimizers

    require_no_fork(what)
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise UsageError(
            f"{what} needs Keras on TensorFlow, and it is on {backend!r} here. "
            f"Start with KERAS_BACKEND=tensorflow. {otherwise}"
        )
