"""Compiles a LiteRT file for the GPU and for the CPU, and compares; prints JSON.

    python gpu_run.py model.tflite

Started by `test_gpu.py` with a Vulkan driver that needs no GPU.
"""

import json
import os
import sys
import time

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.hardware_accelerator import HardwareAccelerator
from ai_edge_litert.options import Options

from swin_keras.exporting.verify import sqnr


def run(path, accelerator):
    start = time.perf_counter()
    model = CompiledModel.from_file(
        path, options=Options(hardware_accelerators=accelerator)
    )
    compile_seconds = time.perf_counter() - start
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    details = model.get_input_tensor_details("serving_default")
    (shape,) = (tuple(detail["shape"]) for detail in details.values())
    image = np.random.default_rng(0).integers(0, 256, shape).astype("float32")
    inputs[0].write(image)
    model.run_by_index(0, inputs, outputs)
    details = model.get_output_tensor_details("serving_default")
    (shape,) = (tuple(detail["shape"]) for detail in details.values())
    scores = outputs[0].read(int(np.prod(shape)), np.float32).reshape(-1)
    return scores, model.is_fully_accelerated(), compile_seconds


def main(path):
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    gpu, is_whole, seconds = run(path, HardwareAccelerator.GPU)
    cpu, _, _ = run(path, HardwareAccelerator.CPU)
    logits = [np.log(scores) - np.log(scores).mean() for scores in (cpu, gpu)]
    result = {
        "is_whole": bool(is_whole),
        "sqnr": sqnr(*logits),
        "same_class": bool(gpu.argmax() == cpu.argmax()),
        "compile_seconds": seconds,
    }
    json.dump(result, answer)
    answer.close()


if __name__ == "__main__":
    main(sys.argv[1])
