"""Mutated files: one kind of exception, no hang, nothing loaded in silence."""

import hashlib
import json
import struct
import time

import numpy as np
import pytest
from files import checkpoint_arrays, save_pth, small_model
from safetensors.numpy import save_file

from swin_keras.errors import WeightsError
from swin_keras.weights import load_weights

SLOWEST = 5.0  # seconds


def mutate(data: bytes, rng) -> bytes:
    """Damage a file in one of the ways that files are damaged, or attacked."""
    data = bytearray(data)
    where = int(rng.integers(len(data)))
    match rng.integers(6):
        case 0:  # one bit
            data[where] ^= 1 << int(rng.integers(8))
        case 1:  # truncated
            del data[where:]
        case 2:  # some bytes of noise, in the header as often as not
            where = int(rng.integers(min(len(data), 4000)))
            noise = rng.bytes(int(rng.integers(1, 40)))
            data[where : where + len(noise)] = noise
        case 3:  # a piece moved
            piece = data[where : where + 200]
            del data[where : where + 200]
            where = int(rng.integers(len(data) + 1))
            data[where:where] = piece
        case 4:  # a number in the header
            digits = [i for i, byte in enumerate(data[:4000]) if 48 <= byte < 58]
            if digits:
                data[int(rng.choice(digits))] = 48 + int(rng.integers(10))
        case _:  # eight bytes of any size
            size = struct.pack("<Q", int(rng.integers(2**63)))
            data[where % 64 : where % 64 + 8] = size
    return bytes(data)


@pytest.mark.parametrize("kind", ["safetensors", "pth"])
@pytest.mark.parametrize(
    ("has_card", "num_files"),
    [
        (False, 150),
        (True, 50),
        pytest.param(False, 500, marks=pytest.mark.slow),
        pytest.param(True, 500, marks=pytest.mark.slow),
    ],
)
def test_mutated_files_are_refused_or_whole(kind, has_card, num_files, tmp_path):
    model = small_model(depths=(1, 1))
    arrays = checkpoint_arrays(model, "official")
    path = tmp_path / f"x.{kind}"
    if kind == "pth":
        save_pth(path, arrays)
    else:
        save_file(arrays, path)
    whole = path.read_bytes()
    if has_card:
        digest = hashlib.sha256(whole).hexdigest()
        card = {"files": {path.name: {"sha256": digest}}}
        (tmp_path / "card.json").write_text(json.dumps(card))

    rng = np.random.default_rng(0)
    slowest, num_refused, num_damaged = 0.0, 0, 0
    for _ in range(num_files):
        data = mutate(whole, rng)
        num_damaged += data != whole
        path.write_bytes(data)
        start = time.perf_counter()
        try:
            load_weights(model, path)
        except WeightsError as error:
            num_refused += 1
            assert str(path) in str(error)  # noqa: PT017 - some do not raise
        slowest = max(slowest, time.perf_counter() - start)
    assert slowest < SLOWEST
    if has_card:
        assert num_refused == num_damaged
    else:
        assert num_refused > num_files / 3
