"""Compare in true float32, on a GPU too."""

import contextlib


@contextlib.contextmanager
def true_float32():
    """Within this context, TensorFlow multiplies float32 numbers as they are.

    By default a GPU shortens them to the 10 bits of TF32, and a Keras model
    would differ by 2e-3 from the files made of it. The setting of before is put
    back at the end, also after an error.
    """
    from tensorflow.config import experimental

    before = experimental.tensor_float_32_execution_enabled()
    experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        experimental.enable_tensor_float_32_execution(before)
