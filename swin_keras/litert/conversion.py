"""Convert a SavedModel to LiteRT, in a subprocess.

    python -m swin_keras.litert.conversion SAVED_MODEL model.tflite

The converter keeps about 20 MB of each conversion and can abort; its process
takes both along. It works while the caller does something else: it imports
TensorFlow while the SavedModel is written, and then waits for a line on its
standard input.
"""

import contextlib
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

from swin_keras.errors import ExportError, ResourceError
from swin_keras.processes import ended_by, module_command


@contextlib.contextmanager
def converting(write, saved_model: Path, path: Path):
    """Write a LiteRT file of built-in operations only; it is there at the end.

    Keras' own default admits TensorFlow operations, which the runtime on a
    phone does not have.

    Args:
        write: A function that writes the SavedModel, given its folder.
        saved_model: That folder; the signature is `serving_default`.
        path: The file to write, in float32.

    Raises:
        ExportError: If the model needs an operation that LiteRT does not have.
        ResourceError: If the converter was killed, or the disk is full.
    """
    process = subprocess.Popen(  # noqa: S603  our own module, our own paths
        module_command(__spec__.name, saved_model, path),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
    )
    try:
        write(saved_model)
        with contextlib.suppress(BrokenPipeError):  # what it died of comes below
            process.stdin.write("written\n")
            process.stdin.flush()
        yield
        _, said = process.communicate()
    except BaseException:
        process.kill()
        process.communicate()
        raise
    if "No space left on device" in said:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if process.returncode < 0:
        raise ResourceError(
            "The process that converts the model must be left alone, and it was ended "
            f"{ended_by(-process.returncode)} Export it again, with more memory free."
        )
    if process.returncode:
        raise ExportError(
            "A LiteRT file can only hold a model of built-in operations. "
            f"{_reason(said)}"
        )


def _reason(text):
    """Name the operations that the converter lacks; else quote its last error."""
    named = re.findall(r"^(?:Custom|Flex|TF Select) ops: (.+)$", text, re.M)
    if named:
        names = {name.strip() for line in named for name in line.split(",")}
        return f"Received: {', '.join(sorted(names))}."
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "rror:" in line]
    return f"The converter says: {(errors or lines or ['nothing'])[-1][:300]}"


def _convert(saved_model, path):
    import tensorflow as tf

    if not sys.stdin.readline():
        return  # whoever wanted the file is dead
    converter = tf.lite.TFLiteConverter.from_saved_model(
        saved_model, signature_keys=["serving_default"]
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    Path(path).write_bytes(converter.convert())


if __name__ == "__main__":
    _convert(*sys.argv[1:])
