"""Checkpoint files of an attacker: exact numbers, or one of our errors.

None is read beyond its bytes, none takes 1 GB or 30 s. The long run is the slow test:

    python -m pytest -m slow -s tests/attacks/test_checkpoint_files.py
"""

import checkpoint_attacks
import pytest
from attack import attack, counts

from swin_keras.weights.tensor_file import open_tensor_file

LISTS = {
    "hostile": checkpoint_attacks.HOSTILE,
    "special": checkpoint_attacks.SPECIAL,
    "index": checkpoint_attacks.INDEXES,
}


def attack_with(kind, count):
    """Open files 0 to `count` of a kind; return what came of each."""
    attempts = attack(checkpoint_attacks.__file__, kind, count)
    found = sorted(counts(attempts).items())
    print(f"{kind}: {count} tried, ", ", ".join(f"{n} {word}" for word, n in found))
    return [attempt.result for attempt in attempts]


@pytest.mark.parametrize(
    "kind",
    [
        "hostile",
        pytest.param("special", marks=pytest.mark.slow),
        pytest.param("index", marks=pytest.mark.slow),
    ],
)
def test_every_hostile_file_is_refused(kind):
    results = attack_with(kind, len(LISTS[kind]))
    named = dict(zip(LISTS[kind], results, strict=True))
    assert {n: result for n, result in named.items() if result != "refused"} == {}


def test_a_small_tensor_in_a_huge_storage_is_read_alone(tmp_path):
    count = 2**36  # numbers; the file has holes instead of 256 GB
    size = b"\x8a\x05" + count.to_bytes(5, "little")
    pickle = checkpoint_attacks.state_dict(checkpoint_attacks.tensor(size=size))
    storages = [(count, b"\x00\x00\x80\x3f" * 4)]
    path = tmp_path / "x.pth"
    path.write_bytes(
        checkpoint_attacks.legacy(pickle, [checkpoint_attacks.text("0")], storages)
    )
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + 4 * (count - 4))
    assert open_tensor_file(path)["t0"].read().tolist() == [1, 1, 1, 1]


def check_mutants(kind, count):
    results = attack_with(kind, count)
    assert set(results) == {"refused", "loaded"}
    assert results.count("refused") > count / 2


@pytest.mark.slow
def test_a_few_damaged_files_are_refused_or_exact():
    check_mutants("mixed", 600)


@pytest.mark.slow
@pytest.mark.parametrize("kind", checkpoint_attacks.FUZZED)
def test_many_damaged_files_are_refused_or_exact(kind):
    check_mutants(kind, 5000)
