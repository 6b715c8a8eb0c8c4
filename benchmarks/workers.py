"""How batches from JPEG files scale with processes: 1, 2, 4, ... as many as cores.

    python benchmarks/workers.py [--size 500x375] [--images 512] [--batch 32]
        [--rounds 3] [--rates 2751 3880] [--grain] [--folder FOLDER] [--json FILE]

Preset `published`, 224 pixels, by the clock on the wall, ways interleaved, fastest
round of each. The trainer's share is the processor time that this process spends
on an image itself: under one interpreter's lock it bounds what any number of
processes can feed. `--rates` are images/s of GPUs; the last lines say how many
cores would feed them. `--grain` adds Grain's processes, if it is installed;
`--folder` has photos already, in a folder for each class.
"""

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from input_pipeline import CORES, IMAGE_SIZE, exhaust, training_options
from photos import CLASSES, write_photos
from timing import matrix_rate, write_json

from swin_keras.data import BatchLoader, ImageDataset, Workers, batches
from swin_keras.data.splits import FileSplit


def counts(cores: int) -> list[int]:
    """Return 1, 2, 4, ... and the number of cores."""
    powers = [2**n for n in range(cores.bit_length()) if 2**n < cores]
    return [*powers, cores]


def with_grain(loader, processes: int):
    """Return a function that goes over the same steps by Grain's processes."""
    import grain
    from absl import flags

    flags.FLAGS.mark_as_parsed()  # Grain asks for them
    steps = grain.MapDataset.range(loader.steps).map(loader).to_iter_dataset()
    return steps.mp_prefetch(grain.MultiprocessingOptions(num_workers=processes))


def ways(split, batch, cores, has_grain, stack) -> dict:
    """Return functions that go over all files once, by name."""
    dataset = ImageDataset("photos", CLASSES, {"train": split})
    options = training_options("published", dataset)

    loader = BatchLoader(split, batch, IMAGE_SIZE, 3, **options)

    def over(workers=None):
        return lambda: exhaust(batches(loader, workers=workers))

    functions = {"threads": over()}
    for count in counts(cores):
        functions[count] = over(stack.enter_context(Workers(count)))
    if has_grain:
        dataset = with_grain(loader, cores)
        functions[f"grain, {cores}"] = lambda: exhaust(dataset)
    return functions


def measure(functions, images, rounds) -> dict:
    """Return images/s and this process' own seconds an image, by name."""
    for function in functions.values():
        function()
    rates, own = {}, {}
    for _ in range(rounds):
        for name, function in functions.items():
            wall, used = time.perf_counter(), time.process_time()
            function()
            rate = images / (time.perf_counter() - wall)
            share = (time.process_time() - used) / images
            rates[name] = max(rates.get(name, 0), rate)
            own[name] = min(own.get(name, share), share)
    return {"images_per_second": rates, "own_seconds_per_image": own}


def show(result, cores, gpu_rates):
    rates, own = result["images_per_second"], result["own_seconds_per_image"]
    print("by               images/s  of linear  trainer's ms/image")
    for name, rate in rates.items():
        linear = f"{rate / rates[1] / name:9.2f}" if isinstance(name, int) else " " * 9
        label = f"{name} processes" if isinstance(name, int) else name
        print(f"{label:16} {rate:8.0f}  {linear}  {1e3 * own[name]:8.3f}")
    per_core = rates[cores] / cores
    print(f"one interpreter could feed {1 / own[cores]:,.0f} images/s")
    for rate in gpu_rates:
        print(f"{rate:,.0f} images/s need {np.ceil(rate / per_core):.0f} such cores")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="500x375", metavar="WIDTHxHEIGHT")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=CORES)
    parser.add_argument("--rates", type=float, nargs="*", default=[2751.0, 3880.0])
    parser.add_argument("--grain", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    size = tuple(map(int, options.size.split("x")))
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = options.folder or Path(scratch)
        if not options.folder:
            write_photos(folder, options.images, size)
        names = sorted(str(p.relative_to(folder)) for p in folder.glob("*/*.jpg"))
        names = names[:: max(len(names) // options.images, 1)][: options.images]
        labels = np.array([CLASSES.index(Path(name).parent.name) for name in names])
        split = FileSplit(names, labels, "train", folder)
        functions = ways(split, options.batch, options.cores, options.grain, stack)
        images = len(names) // options.batch * options.batch
        result = measure(functions, images, options.rounds)
    result |= {"cores": options.cores, "gflops": matrix_rate()}
    show(result, options.cores, options.rates)
    write_json(options.json, result)


if __name__ == "__main__":
    main()
