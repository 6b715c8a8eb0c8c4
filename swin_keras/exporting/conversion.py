"""Convert a SavedModel to LiteRT, in a process of its own.

    python -m swin_keras.exporting.conversion SAVED_MODEL model.tflite fp16.tflite

The converter keeps about 20 MB of each conversion and can abort; its process
takes both along.
"""

import errno
import os
import subprocess
import sys
from pathlib import Path

from swin_keras.errors import ExportError


def convert(saved_model: Path, float32: Path, float16: Path | None = None):
    """Write LiteRT files of built-in operations only.

    Keras' own default admits TensorFlow operations, which the runtime on a
    phone does not have.

    Args:
        saved_model: Folder with the signature `serving_default`.
        float32: The file to write.
        float16: A second one to write, with half-precision weights.

    Raises:
        ExportError: If the model needs an operation that LiteRT does not have.
    """
    files = [str(path) for path in (float32, float16) if path]
    done = subprocess.run(  # noqa: S603  our own module, our own paths
        [sys.executable, "-m", __spec__.name, str(saved_model), *files],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
    )
    if "No space left on device" in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(float32))
    if done.returncode:
        raise ExportError(
            "A LiteRT file can only hold a model of built-in operations. The converter "
            f"says: {_reason(done.stderr)}"
        )


def _reason(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "rror:" in line]
    return (errors or lines or ["nothing"])[-1][:300]


def _convert(saved_model, float32, float16=None):
    import tensorflow as tf

    for path in filter(None, (float32, float16)):
        converter = tf.lite.TFLiteConverter.from_saved_model(
            saved_model, signature_keys=["serving_default"]
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if path == float16:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        Path(path).write_bytes(converter.convert())


if __name__ == "__main__":
    _convert(*sys.argv[1:])
