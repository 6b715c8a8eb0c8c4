"""Runs a LiteRT file in a subprocess; started by `LiteRTModel`.

    python -m swin_keras.litert.worker model.tflite 2

A `.tflite` file is a program for a runtime that trusts it: a damaged one can end
the process that runs it, or ask for all memory and time. Here that is this one,
whose memory and time to load are limited. One line of JSON tells what the
file takes and gives; then each NumPy array of images on standard input is
answered by a line, which is `{}` or tells an error, and one array for each output.
"""

import io
import json
import os
import resource
import sys
from types import SimpleNamespace

import numpy as np
from numpy.lib import format as npy

MIN_ADDRESSES = 4 << 30  # bytes: threads and libraries reserve more than they use
NEAR_WHITE = 200  # the largest value of an input for pixels, at least
MAX_SECONDS = 120  # of a processor, to load a file and run it once


def main(path, threads):
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the runtime prints is not an answer
    limit(resource.RLIMIT_AS, memory_limit())
    unlimited = limit(resource.RLIMIT_CPU, MAX_SECONDS)
    try:
        run, about = _load(path, int(threads))
    except Exception as error:  # whatever LiteRT meets in a file from outside
        return _tell(answers, {"error": _reason(error)})
    resource.setrlimit(resource.RLIMIT_CPU, unlimited)
    _tell(answers, about)
    while sys.stdin.buffer.peek(1):
        images = read_array(sys.stdin.buffer)
        try:
            outputs = [
                run(images[start : start + about["batch"]])
                for start in range(0, len(images), about["batch"])
            ]
        except Exception as error:
            _tell(answers, {"error": _reason(error)})
            continue
        _tell(answers, {})
        for name in about["outputs"]:
            stacked = np.concatenate([output[name] for output in outputs])
            write_array(answers, stacked[: len(images)])


def limit(kind: int, most: int) -> tuple[int, int]:
    """Limit what this process may take of a resource; return the limits before."""
    before = resource.getrlimit(kind)
    known = [value for value in before if value != resource.RLIM_INFINITY]
    resource.setrlimit(kind, (min([most, *known]), before[1]))
    return before


def memory_limit() -> int:
    """Return the bytes that a file may take: half of this machine's, or a few."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(total // 2, MIN_ADDRESSES)


def read_array(pipe) -> np.ndarray:
    """Read an array from a pipe, which NumPy would take for a file and seek in."""
    return npy.read_array(SimpleNamespace(read=pipe.read), allow_pickle=False)


def write_array(pipe, array):
    """Write an array to a pipe, all of it, and send it off."""
    content = io.BytesIO()
    npy.write_array(content, np.ascontiguousarray(array))
    left = content.getbuffer()
    while left:
        left = left[pipe.write(left) :]
    pipe.flush()


def _load(path, threads):
    """Return a function from a few images to named outputs, and what it takes."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=threads)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(inputs[0]["shape"]) != 4:
        raise ValueError("it does not take images (batch, height, width, channels)")
    names = _output_names(interpreter, outputs)
    details = {detail["index"]: detail for detail in outputs}
    shape = inputs[0]["shape"]

    def run(images):
        full = np.zeros(shape, np.float32)
        full[: len(images)] = images
        interpreter.set_tensor(inputs[0]["index"], _quantized(full, inputs[0]))
        interpreter.invoke()
        return {
            name: _plain(interpreter.get_tensor(index), details[index])
            for name, index in names.items()
        }

    nothing = np.zeros((0, *shape[1:]), np.float32)
    shapes = {name: value.shape[1:] for name, value in run(nothing).items()}
    batch, *input_shape = shape.tolist()
    return run, {"batch": batch, "input_shape": input_shape, "outputs": shapes}


def _quantized(images, detail) -> np.ndarray:
    """Return images 0..255 as a file's input takes them.

    Where it is quantized for other values, such as 0..1, its 8 bits are the pixels'.
    """
    kind = np.dtype(detail["dtype"])
    if kind.kind == "f":
        return images.astype(kind, copy=False)
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    scale, zero = detail["quantization"]
    if scale * (high - zero) >= NEAR_WHITE:
        steps = images / scale + zero
    elif kind.itemsize == 1:
        steps = images + low
    else:
        most = scale * (high - zero)
        raise ValueError(f"it takes quantized values to {most:.3g}, not pixels 0..255")
    return np.rint(steps).clip(low, high).astype(kind)


def _plain(values, detail) -> np.ndarray:
    """Return the numbers that quantized ones stand for; others as they are."""
    scale, zero = detail["quantization"]
    if values.dtype.kind not in "iu" or not scale:
        return values
    return (values.astype(np.float32) - zero) * np.float32(scale)


def _output_names(interpreter, details):
    """Return the signature's names with tensors' numbers; without one, the file's."""
    signatures = interpreter.get_signature_list()
    if not signatures:
        return {detail["name"]: detail["index"] for detail in details}
    key = next(iter(signatures))
    runner = interpreter.get_signature_runner(key)
    return {
        name: detail["index"] for name, detail in runner.get_output_details().items()
    }


def _reason(error) -> str:
    if isinstance(error, MemoryError):
        return f"it takes more than {memory_limit() >> 30} GB of memory"
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _tell(answers, message):
    answers.write(json.dumps(message).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
