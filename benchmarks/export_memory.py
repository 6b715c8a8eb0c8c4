"""Export one model again and again; the memory must stay.

    python benchmarks/export_memory.py [--times 6]

Prints the process' memory after each conversion. The converter keeps about 20 MB
of each, in a subprocess that ends.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from swin_keras.applications import SwinNano
from swin_keras.exporting.inference_model import inference_model
from swin_keras.exporting.litert import exporting_litert
from swin_keras.model_files.card import ModelCard


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=6)
    times = parser.parse_args().times
    model = inference_model(SwinNano(classes=10))
    names = [str(index) for index in range(10)]
    card = ModelCard("nano", "swin_nano", {"input_shape": (32, 32, 3)}, names)
    for count in range(1, times + 1):
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            forms = ["litert", "litert-int8"]
            with exporting_litert(model, Path(folder), forms, card):
                pass
        seconds = time.perf_counter() - start
        print(f"{count}: {memory_mb():.0f} MB, {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
