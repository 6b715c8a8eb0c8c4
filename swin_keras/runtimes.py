"""What runs a model file: Keras, TensorFlow, LiteRT or ONNX Runtime, all alike.

Each takes float32 images `(B, H, W, C)` and gives a dictionary of arrays.
"""

import contextlib
import json
import os
import subprocess
import weakref
from pathlib import Path

import numpy as np

from swin_keras.errors import ModelFileError
from swin_keras.litert_worker import read_array, write_array
from swin_keras.model_files import load_keras, require_file
from swin_keras.processes import module_command


def open_model(path: Path, threads: int | None = None):
    """Load a model file of any form.

    Args:
        path: A `.keras`, `.tflite` or `.onnx` file, or a SavedModel's folder.
        threads: Threads of the LiteRT or ONNX runtime; `None` for one a core.

    Returns:
        A function from images to named outputs with the attributes `form`,
        `path`, `input_shape` and `outputs`: each output's shape without batch.

    Raises:
        ModelFileError: If it is no model, damaged, or takes no images.
    """
    if path.is_dir():
        return SavedModel(path)
    forms = {".keras": KerasModel, ".tflite": LiteRTModel, ".onnx": OnnxModel}
    require_file(path)
    if path.suffix not in forms:
        raise ModelFileError(
            "A model must be a .keras, .tflite or .onnx file or the folder of a run, "
            f"an export or a SavedModel. Received: {path}."
        )
    return forms[path.suffix](path, threads)


class KerasModel:
    """A `.keras` file."""

    form = "keras"

    def __init__(self, path, threads=None):
        self.path = path
        self._model = load_keras(path)
        self.input_shape = tuple(self._model.input_shape[1:])
        outputs = _named(self._model.output)
        self.outputs = {name: tuple(o.shape[1:]) for name, o in outputs.items()}

    def __call__(self, images):
        outputs = _named(self._model.predict_on_batch(images))
        return {name: np.asarray(value) for name, value in outputs.items()}


class SavedModel:
    """A SavedModel with the endpoint `serve`."""

    form = "saved_model"

    def __init__(self, path, threads=None):
        import tensorflow as tf

        self.path = path
        try:
            self._model = tf.saved_model.load(str(path))
            specs = self._model.serve.input_signature
        except Exception as error:
            raise ModelFileError(
                "A SavedModel must be complete and have the endpoint `serve`, as "
                f"`swin-keras export` writes it. Received: {path} ({error})."
            ) from error
        self.input_shape = tuple(specs[0].shape[1:])
        outputs = self(np.zeros((1, *self.input_shape), "float32"))
        self.outputs = {name: value.shape[1:] for name, value in outputs.items()}

    def __call__(self, images):
        outputs = _named(self._model.serve(images))
        return {name: value.numpy() for name, value in outputs.items()}


class OnnxModel:
    """An `.onnx` file."""

    form = "onnx"

    def __init__(self, path, threads=None):
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelFileError(
                f"To run {path}, install onnxruntime: `pip install onnxruntime`."
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count()
        self.path = path
        try:
            self._session = onnxruntime.InferenceSession(str(path), options)
        except Exception as error:
            raise ModelFileError(
                f"An .onnx file must be complete. Received: {path} ({error})."
            ) from error
        (self._input,) = self._session.get_inputs()
        self.input_shape = tuple(self._input.shape[1:])
        outputs = self._session.get_outputs()
        self.outputs = {output.name: tuple(output.shape[1:]) for output in outputs}

    def __call__(self, images):
        values = self._session.run(None, {self._input.name: images})
        return dict(zip(self.outputs, values, strict=True))


class LiteRTModel:
    """A `.tflite` file, run in a process of its own: see `litert_worker`."""

    form = "litert"

    def __init__(self, path, threads=None):
        self.path = path
        self._process = subprocess.Popen(  # noqa: S603  our own module
            module_command("swin_keras.litert_worker", path, threads or os.cpu_count()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._stop = weakref.finalize(self, _stop, self._process)
        about = json.loads(self._process.stdout.readline() or "{}")
        if "outputs" not in about:
            self._refuse(about.get("error"))
        self.input_shape = tuple(about["input_shape"])
        self.outputs = {name: tuple(s) for name, s in about["outputs"].items()}

    def __call__(self, images):
        worker = self._process
        try:
            write_array(worker.stdin, images)
            return {name: read_array(worker.stdout) for name in self.outputs}
        except (OSError, ValueError):
            self._refuse()

    def _refuse(self, reason=None):
        self._stop()
        reason = reason or f"it ended LiteRT, exit code {self._process.returncode}"
        raise ModelFileError(
            "A .tflite file must be complete, take one image and use built-in "
            f"operations only. Received: {self.path} ({reason})."
        )


def _stop(process):
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            pipe.close()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _named(outputs) -> dict:
    return outputs if isinstance(outputs, dict) else {"outputs": outputs}
