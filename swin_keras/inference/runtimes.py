"""What runs a model file: Keras, TensorFlow, LiteRT or ONNX Runtime, all alike.

Each takes float32 images `(B, H, W, C)` and gives a dictionary of arrays. Any
number of threads may ask at the same time.
"""

import contextlib
import os
from numbers import Integral
from pathlib import Path

import numpy as np

from swin_keras.cores import usable_cores
from swin_keras.errors import (
    ModelFileError,
    ResourceError,
    SwinKerasError,
    UsageError,
    first_line,
    is_memory_full,
)
from swin_keras.forks import require_no_fork
from swin_keras.gpus import has_gpu
from swin_keras.inference.operations import require_harmless
from swin_keras.inference.padding import Padding
from swin_keras.litert.model import LiteRTModel
from swin_keras.model_files import load_keras, require_file, require_whole
from swin_keras.model_files.card import CLASS_MAPS
from swin_keras.processes import find_devices

# The process in which a library has started its threads, which no fork has.
_HOMES: dict[str, int] = {}
FATAL = 4  # of ONNX Runtime's severities


def open_model(path: Path, threads: int | None = None, trust: bool = False):
    """Load a model file of any form.

    Args:
        path: A `.keras`, `.tflite` or `.onnx` file, or a SavedModel's folder.
        threads: Threads of the LiteRT or ONNX runtime; `None` for one a core.
        trust: Whether a SavedModel may hold any operation, such as one that
            writes files.

    Returns:
        A function from images to named outputs with the attributes `form`,
        `path`, `input_shape` and `outputs`: each output's shape without batch.

    Raises:
        ModelFileError: If it is not a model, damaged, takes no images, or is a
            SavedModel with operations that need trust.
        UsageError: If this process is a fork that cannot run it, or `threads` is no
            number of threads.
    """
    if threads is not None and not (isinstance(threads, Integral) and threads > 0):
        raise UsageError(
            "`threads` must be a whole number of at least 1, or None for one a core. "
            f"Received: threads={threads!r}."
        )
    if path.is_dir():
        return SavedModel(path, trust)
    forms = {".keras": KerasModel, ".tflite": LiteRTModel, ".onnx": OnnxModel}
    require_file(path)
    if path.suffix not in forms:
        raise ModelFileError(
            "A model must be a .keras, .tflite or .onnx file or the folder of a run, "
            f"an export or a SavedModel. Received: {path}."
        )
    return forms[path.suffix](path, threads and int(threads))


class KerasModel:
    """A `.keras` file."""

    form = "keras"

    def __init__(self, path, threads=None):
        _require_home("TensorFlow", path)
        find_devices()
        self.path = path
        from swin_keras.models.conventions import ends_in_logits, normalizes

        self._model = load_keras(path)
        self.normalizes = normalizes(self._model)
        with _in_words(path):
            self.input_shape = _image_shape(self._model.input_shape)
            outputs = outputs_by_name(self._model.output)
            self.ends_in_logits = ends_in_logits(self._model)
            self.outputs = {name: tuple(o.shape[1:]) for name, o in outputs.items()}
        compiles = has_gpu() and self._model.jit_compile
        self.padding = Padding() if compiles else None

    def __call__(self, images):
        _require_home("TensorFlow", self.path)
        count = len(images)
        with _in_words(self.path):
            if self.padding:
                images = self.padding.filled(images)
            outputs = outputs_by_name(self._model.predict_on_batch(images))
            return {name: np.asarray(value)[:count] for name, value in outputs.items()}


class SavedModel:
    """A SavedModel with the endpoint `serve`; on a GPU, `serve_xla` if it is there."""

    form = "saved_model"

    def __init__(self, path, trust=False):
        _require_home("TensorFlow", path)
        require_whole(path)
        if not trust:
            require_harmless(path)
        find_devices()
        import tensorflow as tf

        self.path = path
        try:
            self._model = tf.saved_model.load(str(path))
            # One that letter-boxes pictures takes any size, and says what it makes.
            boxed = getattr(self._model, "letter_box", None)
            self._answer = self._model.serve
            specs = self._answer.input_signature
            if boxed is not None:
                specs = [boxed.concrete_functions[0].structured_outputs]
        except Exception as error:
            if is_memory_full(error):
                raise _without_room(path) from error
            raise ModelFileError(
                "A SavedModel must be complete and have the endpoint `serve`, as "
                f"`swin-keras export` writes it. Received: {path} "
                f"({first_line(error)})."
            ) from error
        with _in_words(path):
            (spec,) = specs
            self.input_shape = _image_shape(tuple(spec.shape))
        if None in self.input_shape:
            raise ModelFileError(
                "A model must take images of one size. Received: "
                f"{path}, which takes {self.input_shape}."
            )
        self.padding = None
        outputs = self(np.zeros((1, *self.input_shape), "float32"))
        self.outputs = {name: value.shape[1:] for name, value in outputs.items()}
        compiled = getattr(self._model, "serve_xla", None)
        if compiled is not None and has_gpu():
            self._answer, self.padding = compiled, Padding()

    def __call__(self, images):
        _require_home("TensorFlow", self.path)
        count = len(images)
        with _in_words(self.path):
            if self.padding:
                images = self.padding.filled(images)
            outputs = outputs_by_name(self._answer(images))
            return {name: value.numpy()[:count] for name, value in outputs.items()}


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
        _require_home("ONNX Runtime", path)
        require_whole(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or usable_cores()
        options.log_severity_level = FATAL  # what goes wrong is raised, too
        self.path = path
        try:
            self._session = onnxruntime.InferenceSession(str(path), options)
        except Exception as error:
            raise ModelFileError(
                "An .onnx file must be complete. Received: "
                f"{path} ({first_line(error)})."
            ) from error
        with _in_words(path):
            (self._input,) = self._session.get_inputs()
            self.input_shape = _image_shape(self._input.shape)
        outputs = self._session.get_outputs()
        self.outputs = {output.name: tuple(output.shape[1:]) for output in outputs}

    def __call__(self, images):
        _require_home("ONNX Runtime", self.path)
        with _in_words(self.path):
            values = self._session.run(None, {self._input.name: images})
        return dict(zip(self.outputs, values, strict=True))


def _require_home(library: str, path):
    """Refuse a fork of the process in which a library has started its threads.

    Whatever waits for them there waits for ever.
    """
    if library == "TensorFlow":
        require_no_fork(f"The model {path}")
    if _HOMES.setdefault(library, os.getpid()) != os.getpid():
        raise UsageError(
            f"{library} runs in one process and not in forks of it. Received: {path}, "
            f"in a fork of a process that uses {library}. Start processes with "
            'multiprocessing\'s "spawn" and open the model there, or use the .tflite '
            "file, which forks can share."
        )


@contextlib.contextmanager
def _in_words(path):
    """Put in one sentence what a runtime raises of a model that does not run."""
    try:
        yield
    except SwinKerasError:
        raise
    except Exception as error:  # each runtime has its own dozen kinds
        if is_memory_full(error):
            raise _without_room(path) from error
        raise ModelFileError(
            "A model must take one batch of images (batch, height, width, channels) "
            f"and run. Received: {path} ({first_line(error)})."
        ) from error


def _without_room(path):
    return ResourceError(
        f"The model {path} and its images do not fit into the memory. Try a smaller "
        "`batch_size` (--batch-size), or end what else uses the device."
    )


def _image_shape(shape) -> tuple:
    """Return `(height, width, channels)`; raise if it is not a shape of images."""
    _, *sides = shape
    if len(sides) != 3 or not all(s is None or isinstance(s, int) for s in sides):
        raise ValueError(f"it takes {shape}")
    return tuple(sides)


def outputs_by_name(outputs) -> dict:
    """Return a model's outputs by name: its own, else one word or numbers.

    >>> outputs_by_name(["boxes", "scores"])
    {'output_0': 'boxes', 'output_1': 'scores'}
    >>> outputs_by_name("logits")
    {'outputs': 'logits'}
    """
    if isinstance(outputs, dict):
        return outputs
    if isinstance(outputs, list | tuple) and len(outputs) != 1:
        return {f"output_{number}": one for number, one in enumerate(outputs)}
    (output,) = outputs if isinstance(outputs, list | tuple) else [outputs]
    return {"outputs": output}


def without_maps(outputs: dict) -> dict:
    """Return a file's outputs by name without those that explain."""
    return {name: value for name, value in outputs.items() if name != CLASS_MAPS}
