import contextlib
import io
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from image_files import make_folder
from PIL import Image

from swin_keras.data import (
    Augmentation,
    BatchLoader,
    ImageError,
    Mixing,
    RandAugment,
    Workers,
    batches,
    data_errors,
    load_dataset,
)
from swin_keras.data.packed import PackedBytes
from swin_keras.data.segmentation.mask_file import EncodedMasks, Meaning
from swin_keras.data.splits import ArraySplit, EncodedSplit, FileSplit, JoinedSplit
from swin_keras.data.targets import Masks
from swin_keras.errors import DataError

OPTIONS = {
    "training": True,
    "seed": 3,
    "augmentation": Augmentation(
        crop_scale=(0.3, 1.0), rand_augment=RandAugment(magnitude=9.0), erase=0.5
    ),
    "mixing": Mixing(mixup=0.2, cutmix=1.0),
    "classes": 2,
}


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    folder = make_folder(tmp_path_factory.mktemp("photos"), {"a": 10, "b": 10})
    return load_dataset(str(folder)).splits["train"]


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as workers:
        yield workers


def batches_of(*args, epochs=1, start_step=0, workers=None, **options):
    """Return the batches of a loader of these arguments."""
    loader = BatchLoader(*args, **options)
    return batches(loader, epochs=epochs, start_step=start_step, workers=workers)


def collect(dataset):
    return [(images.numpy(), labels.numpy()) for images, labels in dataset]


def processes_of(pid) -> list[int]:
    """Return the children of a process that load images."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if b"swin_keras.data.worker" in words and pid in (None, parent):
            found.append(int(folder.name))
    return found


def wait_until(condition):
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.mark.parametrize("processes", [1, 3])
def test_processes_load_the_same_bytes_in_the_same_order(split, processes):
    def run(**more):
        options = {**OPTIONS, "epochs": 2, "start_step": 1, "shards": (0, 1)}
        return collect(
            batches_of(split, 4, (24, 32), 3, **options, shard_count=2, **more)
        )

    with Workers(processes) as workers:
        ours = run(workers=workers)
    threads = run()
    assert len(ours) == len(threads) > 8
    for (images, labels), (same_images, same_labels) in zip(ours, threads, strict=True):
        np.testing.assert_array_equal(images, same_images)
        np.testing.assert_array_equal(labels, same_labels)


def test_processes_share_an_array_and_several_loaders(workers):
    images = np.random.default_rng(0).integers(0, 256, (64, 40, 40, 1), np.uint8)
    split = ArraySplit(images, np.arange(64) % 2, "train")
    whole = BatchLoader(split, 32, (24, 24), 1)
    part = BatchLoader(split, 8, (20, 20), 3, crop_fraction=0.5)
    loads = [(loader, workers.share(loader)) for loader in (whole, part)]
    for loader, load in loads * 2:
        for ours, theirs in zip(load(1), loader(1), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def encoded_split(count=8):
    """Return noise and masks of it, as files in memory."""
    rng = np.random.default_rng(0)
    images = [png(rng.integers(0, 256, (90, 90, 3), np.uint8)) for _ in range(count)]
    masks = (png(rng.integers(0, 9, (90, 90), np.uint8)) for _ in range(count))
    masks = Masks(PackedBytes(masks), EncodedMasks(Meaning(9)))
    return EncodedSplit(images, masks, "train")


PARTS = {
    "all": lambda split: split,
    "some": lambda split: split.subset(np.array([5, 2, 7, 1]), "val"),
    "joined": lambda split: JoinedSplit.of([split, split], "all"),
}


@pytest.mark.parametrize("part", PARTS)
def test_files_in_memory_are_shared_and_not_copied(workers, part):
    loader = BatchLoader(PARTS[part](encoded_split()), 4, (24, 24), 3)
    buffers = []
    copied = pickle.dumps(loader, protocol=5, buffer_callback=buffers.append)
    assert len(copied) < 5000
    assert sum(buffer.raw().nbytes for buffer in buffers) > 4 * 90 * 90 * 3
    for ours, theirs in zip(workers.share(loader)(0), loader(0), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def files_split(folder, count=200):
    (folder / "a_class").mkdir()
    paths = [f"a_class/{number:06d}.png" for number in range(count)]
    for number, path in enumerate(paths):
        (folder / path).write_bytes(png(np.full((9, 9, 3), number, np.uint8)))
    return FileSplit(paths, np.arange(count) % 2, "train", root=folder)


@pytest.mark.parametrize("part", PARTS)
def test_paths_are_shared_and_not_copied(workers, tmp_path, part):
    split = PARTS[part](files_split(tmp_path))
    loader = BatchLoader(split, 2, (8, 8), 3)
    buffers = []
    copied = pickle.dumps(loader, protocol=5, buffer_callback=buffers.append)
    assert len(copied) < 2500
    for ours, theirs in zip(workers.share(loader)(1), loader(1), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    there = pickle.loads(copied, buffers=buffers).split  # noqa: S301  our own
    assert there.name(3) == split.name(3)
    assert list(there.contents()) == list(split.contents())


def blocks_of(process) -> set[int]:
    """Return the numbers of the blocks of shared memory that a process has mapped."""
    lines = Path(f"/proc/{process}/maps").read_text().splitlines()
    return {int(line.split()[4]) for line in lines if "memfd:swin_keras" in line}


def test_equal_loaders_share_one_block_until_the_last_is_gone():
    others = set(processes_of(os.getpid()))
    split = encoded_split()
    with Workers(1) as workers:
        loads = [workers.share(BatchLoader(split, n, (8, 8), 3)) for n in (4, 4, 2)]
        for load in loads:
            load(0)
        (process,) = set(processes_of(os.getpid())) - others
        assert len(blocks_of(process)) == 2
        block = os.dup(workers._shared[BatchLoader(split, 4, (8, 8), 3)]._memory)
        try:
            loads.pop(0)
            assert os.fstat(block).st_size > 8 * 90 * 90 * 3
            loads.pop(0)
            del load
            assert os.fstat(block).st_size == 0
            (load,) = loads
            load(0)
            assert len(blocks_of(process)) == 1
            assert os.fstat(block).st_ino not in blocks_of(process)
        finally:
            os.close(block)


def test_a_loader_without_a_hash_is_shared(split, workers):
    augmentation = Augmentation(crop_scale=[0.5, 1.0])
    loader = BatchLoader(split, 4, (8, 8), 3, training=True, augmentation=augmentation)
    for ours, theirs in zip(workers.share(loader)(1), loader(1), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_file_that_cannot_be_read_is_named(tmp_path, workers):
    folder = make_folder(tmp_path, {"a": 5, "b": 5})
    split = load_dataset(str(folder)).splits["train"]
    victim = Path(split.name(0))
    victim.write_bytes(victim.read_bytes()[:40])
    with pytest.raises(DataError, match=victim.name), data_errors():
        collect(batches_of(split, 4, (8, 8), 3, workers=workers))


def test_an_error_of_an_image_crosses_processes():
    error = ImageError("a.png", "is cut off")
    error = pickle.loads(pickle.dumps(error))  # noqa: S301  our own
    assert (str(error), error.reason) == ("a.png: is cut off", "is cut off")


def test_a_killed_process_is_replaced(split):
    loader = BatchLoader(split, 4, (8, 8), 3)
    others = set(processes_of(os.getpid()))
    with Workers(2) as workers:
        load = workers.share(loader)
        load(0)
        first = set(processes_of(os.getpid())) - others
        assert len(first) == 2
        for process in first:
            os.kill(process, signal.SIGKILL)
        for step in range(3):
            np.testing.assert_array_equal(load(step)[0], loader(step)[0])
        assert not first & set(processes_of(os.getpid()))
    assert set(processes_of(os.getpid())) == others


@dataclass(frozen=True)
class Deadly(BatchLoader):
    """A loader that ends Python, as a decoder with a fault would."""

    def __call__(self, step, shard=0):
        os.kill(os.getpid(), signal.SIGSEGV)


def test_images_that_end_every_process_are_named(split, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    with Workers(1) as workers:
        load = workers.share(Deadly(split, 4, (8, 8), 3))
        with pytest.raises(DataError, match=r"died\. Its images .*\.png, \.\.\."):
            load(0)


def test_a_class_that_processes_cannot_import_is_told(split, workers, monkeypatch):
    monkeypatch.setattr(Deadly, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Deadly", Deadly, raising=False)
    load = workers.share(Deadly(split, 4, (8, 8), 3))
    with pytest.raises(DataError, match="Use --workers 0"):
        load(0)


TRAINER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
from swin_keras.data import Workers, BatchLoader, load_dataset
split = load_dataset(sys.argv[1]).splits["train"]
workers = Workers(2)
load = workers.share(BatchLoader(split, 4, (8, 8), 3))
load(0)
print("ready", flush=True)
for _ in range(10**6):
    load(1)
"""


def shared_files(pids) -> set[str]:
    """Return what processes have open or mapped of the memory that has names."""
    found = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                found.add(os.readlink(link))
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        found.update(line.split(maxsplit=5)[-1] for line in lines)
    return {name for name in found if name.startswith("/dev/shm/")}  # noqa: S108


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_of_a_trainer_that_ends(tmp_path, number):
    folder = make_folder(tmp_path, {"a": 5, "b": 5})
    trainer = subprocess.Popen(
        [sys.executable, "-c", TRAINER, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert trainer.stdout.readline() == b"ready\n"
    theirs = processes_of(trainer.pid)
    assert len(theirs) == 2
    named = shared_files([trainer.pid, *theirs])
    trainer.send_signal(number)
    try:
        trainer.communicate(timeout=60)
    finally:
        trainer.kill()
    wait_until(lambda: not set(theirs) & set(processes_of(None)))
    assert not [name for name in named if os.path.exists(name)]
