"""Checkpoint files of an attacker, and a process in which they are opened.

    python tests/attacks/checkpoint_attacks.py KIND FIRST COUNT

opens files FIRST to FIRST + COUNT of a kind, each with 30 s and 1 GB, and prints a
line for each: its number, what came of it, seconds; with WORDS=1 in the environment,
the errors as well. It dies if one takes too long; whoever started it continues with the
next.
"""

import io
import json
import os
import resource
import signal
import socket
import struct
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

FILES = Path(__file__).parents[1] / "weights" / "torch_files"
SECONDS, MEMORY = 30, 2**30
FUZZED = ("zip", "rezipped", "legacy", "safetensors")


# Pickles, instruction by instruction.


def text(word):
    word = word.encode()
    return b"X" + struct.pack("<I", len(word)) + word


def integer(number):
    return b"J" + struct.pack("<i", number)


def long(size):
    return b"\x8b" + struct.pack("<i", size) + b"\x7f" * size


def tensor(
    *, key=None, count=4, offset=None, shape=None, strides=None, dtype=None, size=None
):
    """Write a float32 tensor of four numbers, but for what is given."""
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(("
        + text("storage")
        + (dtype or b"ctorch\nFloatStorage\n")
        + (key or text("0"))
        + text("cpu")
        + (size or integer(count))
        + b"tQ"
        + (offset or integer(0))
        + (shape or b"(" + integer(4) + b"t")
        + (strides or b"(" + integer(1) + b"t")
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )


def state_dict(*tensors, opening=b""):
    """Write a dictionary of tensors."""
    items = [text(f"t{number}") + x for number, x in enumerate(tensors)]
    return b"\x80\x02" + opening + b"}(" + b"".join(items) + b"u."


def nested(levels=60):
    """Write a tuple of twice a tuple of twice a tuple ...; place 0 of the memo has it.

    It takes 300 bytes, and 2**60 steps to print, hash or compare.
    """
    return b")q\x00" + b"h\x00h\x00\x86q\x00" * levels


def zipped(pickle, method=zipfile.ZIP_STORED, numbers=b"\x01" * 16, more=()):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("archive/data.pkl", pickle)
        archive.writestr("archive/data/0", numbers)
        for name, content in more:
            archive.writestr(name, content)
    return stream.getvalue()


def directory_changed(**changes):
    """Write an archive whose directory says other things than its members."""
    stream = io.BytesIO()
    archive = zipfile.ZipFile(stream, "w")
    archive.writestr("archive/data.pkl", state_dict(tensor(count=400_000)))
    archive.writestr("archive/data/0", b"\x01" * 16)
    for name, value in changes.items():
        setattr(archive.infolist()[-1], name, value)
    archive.close()
    return stream.getvalue()


def legacy(pickle, keys, runs):
    """Write a file from before zip archives: `runs` of `(count, bytes)`."""
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    version = b"\x80\x02M\xe9\x03."
    system = b"\x80\x02}" + text("little_endian") + b"\x88s."
    names = b"\x80\x02](" + b"".join(keys) + b"e."
    storages = b"".join(struct.pack("<q", count) + data for count, data in runs)
    return magic + version + system + pickle + names + storages


def safetensors(header, numbers=b"\x01" * 16):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + numbers


def entry(start, end, shape=(4,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def _tar():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    return stream.getvalue()


def _many_members(count=250_000):
    record = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *[0] * 9, 1, *[0] * 6) + b"x"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, len(record) * count, 99, 0)
    return b"PK\x03\x04data.pkl".ljust(99, b"\0") + record * count + end


def _colliding_keys(count=300_000):
    prime = 2**61 - 1
    numbers = ((prime * n).to_bytes(11, "little") for n in range(1, count))
    return b"\x80\x02}(" + b"".join(b"\x8a\x0b" + x + b"N" for x in numbers) + b"u."


def _wide(levels=6, width=200):
    """Write dictionaries that each hold the next one under 200 keys."""
    body = b"}q\x00"
    for _ in range(levels):
        items = b"".join(text(f"k{number}") + b"h\x00" for number in range(width))
        body += b"}(" + items + b"uq\x00"
    return b"\x80\x02" + body + b"."


FOUR = {"a": entry(0, 16)}
HOSTILE = {
    # More than is there.
    "directory claims more": lambda: directory_changed(
        file_size=1_600_000, compress_size=1_600_000
    ),
    "directory claims more than it packs": lambda: directory_changed(
        file_size=1_600_000
    ),
    "directory points beyond": lambda: directory_changed(header_offset=10**7),
    "directory points at another": lambda: directory_changed(header_offset=0),
    "member twice": lambda: zipped(
        state_dict(tensor()), more=[("archive/data/0 ", b"")]
    ).replace(b"data/0 ", b"data/00"[:6] + b"\0"),
    "storage is short": lambda: zipped(state_dict(tensor()), numbers=b"\x01" * 12),
    "storage is long": lambda: zipped(state_dict(tensor()), numbers=b"\x01" * 99),
    "one storage, two sizes": lambda: zipped(
        state_dict(tensor(), tensor(count=1, shape=b"(" + integer(1) + b"t"))
    ),
    "one storage, two dtypes": lambda: zipped(
        state_dict(tensor(), tensor(dtype=b"ctorch\nIntStorage\n"))
    ),
    "legacy key twice, the last small": lambda: legacy(
        state_dict(tensor()),
        [text("0"), text("0")],
        [(4, b"\x01" * 16), (1, b"\x01" * 4)],
    ),
    "legacy storage is short": lambda: legacy(
        state_dict(tensor()), [text("0")], [(1, b"\x01" * 4)]
    ),
    "legacy names a storage of 30 GB": lambda: legacy(
        state_dict(tensor(size=b"\x8a\x05" + (2**33).to_bytes(5, "little"))),
        [text("0")],
        [(2**33, b"")],
    ),
    "legacy ends early": lambda: legacy(
        state_dict(tensor()), [text("0")], [(4, b"\x01" * 5)]
    ),
    "legacy without its storage": lambda: legacy(state_dict(tensor()), [], []),
    "legacy keys are tuples": lambda: legacy(
        state_dict(tensor()), [nested(), nested()], [(4, b"\x01" * 16)]
    ),
    "view begins beyond": lambda: zipped(state_dict(tensor(offset=integer(4)))),
    "view begins before": lambda: zipped(state_dict(tensor(offset=integer(-1)))),
    "view is long": lambda: zipped(state_dict(tensor(shape=b"(" + integer(5) + b"t"))),
    "view strides beyond": lambda: zipped(
        state_dict(tensor(strides=b"(" + integer(2**30) + b"t"))
    ),
    "view strides backwards": lambda: zipped(
        state_dict(tensor(strides=b"(" + integer(-1) + b"t"))
    ),
    "view repeats": lambda: zipped(
        state_dict(
            tensor(
                shape=b"(" + integer(2**30) + b"t", strides=b"(" + integer(0) + b"t"
            )
        )
    ),
    "view has more axes than strides": lambda: zipped(
        state_dict(tensor(shape=b"(" + integer(2) * 2 + b"t"))
    ),
    "dtype is a dictionary": lambda: zipped(
        state_dict(tensor(dtype=b"ccollections\nOrderedDict\n"))
    ),
    # Small files that would grow.
    "key is a memo bomb": lambda: zipped(
        state_dict(tensor(key=b"h\x00"), opening=nested())
    ),
    "shape is a memo bomb": lambda: zipped(
        state_dict(tensor(shape=b"h\x00"), opening=nested())
    ),
    "name is a memo bomb": lambda: zipped(
        b"\x80\x02" + nested() + b"}h\x00Ns."
    ),
    "module is a memo bomb": lambda: zipped(
        b"\x80\x04" + nested() + b"h\x00" + text("x") + b"\x93."
    ),
    "size of 160,000 bits": lambda: zipped(state_dict(tensor(size=long(20_000)))),
    "shape of many long numbers": lambda: zipped(
        state_dict(tensor(shape=b"(" + (b"\x8a\xff" + b"\x7f" * 255) * 999 + b"t"))
    ),
    "5,000,000 instructions": lambda: zipped(b"\x80\x02" + b"}" * 5_000_000 + b"."),
    "400,000 lists in lists": lambda: zipped(
        b"\x80\x02" + b"]" * 400_000 + b"a" * 399_999 + b"."
    ),
    "many arguments, many times": lambda: zipped(
        b"\x80\x02ctorch\nSize\nq\x00(" + b"N" * 200_000 + b"tq\x01"
        + b"h\x00h\x01R" * 90_000 + b"."
    ),
    "keys of one hash": lambda: zipped(_colliding_keys()),
    "dictionaries shared": lambda: zipped(_wide()),
    "text of 4 GB": lambda: legacy(b"\x80\x02X\xff\xff\xff\xff", [], []),
    "text of 2**62 bytes": lambda: legacy(
        b"\x80\x04\x8d" + struct.pack("<Q", 2**62), [], []
    ),
    "line of 40 MB": lambda: legacy(b"\x80\x02c" + b"x" * 40_000_000, [], []),
    "place 2**31 in the memo": lambda: zipped(b"\x80\x02Nr\xff\xff\xff\x7f."),
    "zip bomb": lambda: zipped(
        state_dict(tensor(count=10**8)), zipfile.ZIP_DEFLATED, b"\0" * 4 * 10**8
    ),
    "pickle is a zip bomb": lambda: zipped(b" " * 10**8, zipfile.ZIP_DEFLATED),
    "250,000 members": _many_members,
    "tar": _tar,
    "TorchScript": lambda: zipped(
        state_dict(tensor()), more=[("archive/code/a.py", b"")]
    ),
    # Programs.
    "system": lambda: zipped(b"cposix\nsystem\n(Vtouch canary\ntR."),
    "system in extras": lambda: zipped(
        state_dict(tensor(), opening=b"cposix\nsystem\n0")
    ),
    "getattr's result is called": lambda: zipped(
        b"\x80\x02}" + text("a") + b"cbuiltins\ngetattr\n" + text("x")
        + text("system") + b"\x86R" + text("touch canary") + b"\x85Rs."
    ),
    # Safetensors.
    "overlap": lambda: safetensors({**FOUR, "b": entry(8, 16, (2,))}),
    "hole": lambda: safetensors({"a": entry(0, 4, (1,)), "b": entry(8, 16, (2,))}),
    "beyond the end": lambda: safetensors({"a": entry(0, 4000, (1000,))}),
    "backwards": lambda: safetensors({"a": entry(16, 0)}),
    "rest": lambda: safetensors({"a": entry(0, 8, (2,))}),
    "other dtype": lambda: safetensors({"a": entry(0, 16, dtype="F64")}),
    "no dtype": lambda: safetensors({"a": entry(0, 16, dtype="F3")}),
    "shape overflows": lambda: safetensors({"a": entry(0, 16, (2**62, 4, 2**62))}),
    "header of 90 MB": lambda: safetensors(
        b'{"a": "' + b"x" * 90_000_000 + b'"}', b""
    ),
    "header of 2**63 bytes": lambda: struct.pack("<Q", 2**63) + b"{}",
    "header is deep": lambda: safetensors(b'{"a":' * 500_000 + b"}" * 500_000),
    "header is no object": lambda: safetensors(b"[]" + b" " * 9),
    "name moves the cursor": lambda: safetensors({"\x1b[2Ja": entry(0, 16)}),
}  # fmt: skip


def _unlink(path):
    path.unlink(missing_ok=True)
    return path


SPECIAL = {
    "pipe": lambda path: os.mkfifo(_unlink(path)),
    "device": lambda path: _unlink(path).symlink_to("/dev/zero"),
    "terminal": lambda path: _unlink(path).symlink_to("/dev/tty"),
    "memory": lambda path: _unlink(path).symlink_to("/proc/self/mem"),
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(_unlink(path))),
    "folder": lambda path: _unlink(path).mkdir(),
    "loop": lambda path: _unlink(path).symlink_to(path.name),
}
INDEXES = {
    "outside": {"a": "../x.safetensors"},
    "absolute": {"a": "/etc/passwd"},
    "missing": {"a": "x.safetensors"},
    "itself": {"a": "x.index.json"},
    "many": {str(number): f"{number}.safetensors" for number in range(10**4)},
    "no names": {"a": 1},
    "a pipe": {"a": "pipe"},
}


# Mutations.


def mutate(data: bytes, rng) -> bytes:
    """Damage bytes in one of the ways that files are damaged, or attacked."""
    whole, data = data, bytearray(data)
    where, other = (int(place) for place in rng.integers(len(data), size=2))
    match rng.integers(8):
        case 0:  # one bit
            data[where] ^= 1 << int(rng.integers(8))
        case 1:  # one byte
            data[where] = int(rng.integers(256))
        case 2:  # truncated
            del data[where:]
        case 3:  # noise
            noise = rng.bytes(int(rng.integers(1, 40)))
            data[where : where + len(noise)] = noise
        case 4:  # a piece moved
            piece = data[where : where + 50]
            del data[where : where + 50]
            data[other:other] = piece
        case 5:  # a piece twice
            data[other:other] = data[where : where + int(rng.integers(1, 200))]
        case 6:  # two sizes exchanged
            data[where : where + 4], data[other : other + 4] = (
                data[other : other + 4],
                data[where : where + 4],
            )
        case _:  # a size of any size
            width = int(rng.choice([1, 2, 4, 8]))
            size = int(rng.integers(2**62)) >> int(rng.integers(62))
            data[where : where + width] = (size % 256**width).to_bytes(width, "little")
    if data == whole:  # the same bytes again are no damage
        data[where] ^= 1
    return bytes(data)


def mutant(kind: str, seed: int) -> bytes:
    """Make one damaged file of a kind."""
    rng = np.random.default_rng(seed)
    if kind == "safetensors":
        words = b'{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":'
        words += b'{"dtype":"BF16","shape":[3],"data_offsets":[16,22]}} '
        return mutate(safetensors(words, bytes(range(22))), rng)
    if kind == "legacy":
        return mutate((FILES / "legacy.pth").read_bytes(), rng)
    whole = (FILES / ["zip.pth", "protocol_4.pth"][seed // 4 % 2]).read_bytes()
    return mutate(whole, rng) if kind == "zip" else rezipped(whole, rng)


def rezipped(whole: bytes, rng) -> bytes:
    """Damage the pickle in an archive, and give it the right checksum."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(whole)) as old,
        zipfile.ZipFile(stream, "w") as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, mutate(data, rng) if name.endswith(".pkl") else data)
    return stream.getvalue()


# What comes of a file.


def numbers_are_stored(x: np.ndarray, data: bytes) -> bool:
    """Whether each number is in the file somewhere, byte by byte."""
    size = x.itemsize
    if x.size * size > len(data):
        return False
    there = {data[start : start + size] for start in range(len(data))}
    flat = np.ascontiguousarray(x).reshape(-1).view(np.uint8).reshape(x.size, size)
    return all(row.tobytes() in there for row in flat)


def outcome(path: Path, originals=None) -> str:
    """Open a file, read all of it, and say what came of that."""
    from swin_keras.errors import WeightsError
    from swin_keras.weights.tensor_file import damaged_file, open_tensor_file

    try:
        tensors = open_tensor_file(path)
        with damaged_file(path):  # as `Checkpoint` reads numbers
            arrays = {name: x.read() for name, x in tensors.items()}
    except WeightsError as error:
        if "WORDS" in os.environ:
            print(error)
        is_memory = isinstance(error.__cause__, MemoryError)
        return "out of memory" if is_memory else "refused"
    except Exception as error:
        return f"{type(error).__name__}, which is not ours"
    if originals is not None:
        same = arrays.keys() == originals.keys() and all(
            arrays[name].dtype == x.dtype and np.array_equal(arrays[name], x)
            for name, x in originals.items()
        )
        return "loaded" if same else "wrong"
    data = path.read_bytes()
    is_right = all(numbers_are_stored(x, data) for x in arrays.values())
    return "loaded" if is_right else "wrong"


def fuzzed(kind: str, number: int) -> str:
    """Return the kind of one file: of mixed ones, each in turn."""
    return FUZZED[number % len(FUZZED)] if kind == "mixed" else kind


def _make(kind, number, folder) -> Path:
    """Write file `number` of a kind."""
    path = _unlink(folder / "x.pth")
    if kind in (*FUZZED, "mixed"):
        path.write_bytes(mutant(fuzzed(kind, number), number))
    elif kind == "hostile":
        path.write_bytes(list(HOSTILE.values())[number]())
    elif kind == "special":
        list(SPECIAL.values())[number](path)
    else:
        path = folder / "x.index.json"
        if not (folder / "pipe").exists():
            os.mkfifo(folder / "pipe")
        path.write_text(json.dumps({"weight_map": list(INDEXES.values())[number]}))
    return path


def main(kind, first, count):
    import swin_keras.weights.tensor_file as tensor_file

    originals = None
    if kind in ("zip", "mixed"):  # the checksums tell every change
        found = tensor_file.open_tensor_file(FILES / "zip.pth")
        originals = {name: x.read() for name, x in found.items()}
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(int(first), int(first) + int(count)):
            path = _make(kind, number, Path(folder))
            # What builds the attack may use more than what it attacks.
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, -1))
            signal.alarm(SECONDS)
            start = time.perf_counter()
            is_zip = fuzzed(kind, number) == "zip"
            result = outcome(path, originals if is_zip else None)
            seconds = time.perf_counter() - start
            signal.alarm(0)
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
            print(json.dumps([number, result, round(seconds, 3)]), flush=True)
            if path.is_dir():
                path.rmdir()


if __name__ == "__main__":
    main(*sys.argv[1:])
