"""Take thousands of damaged files of every kind that comes from outside.

    python benchmarks/attacks.py
    python benchmarks/attacks.py --count 300 --kinds images "label table"

Trains and exports a toy, damages its files and others in a seeded way, and takes each
in a process with limits as a user would: see `tests/attacks/file_attacks.py`. Prints a
table for SECURITY.md; exits with 1 if a file ended the process, raised what is not
ours, took over 1 GB or 30 s, or changed an answer though a SHA-256 was at hand.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "attacks"))

import checkpoint_attacks
import file_attacks
from attack import attack, counts
from originals import make_all

GOOD = {"refused", "equal", "other", "loaded"}
COLUMNS = ("tried", "refused", "accepted, equal", "accepted, other", "silent", "dead")
COLUMNS += ("longest, s", "most, MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    names = [*file_attacks.KINDS, *checkpoint_attacks.FUZZED]
    parser.add_argument("--count", type=int, default=300, help="Files of a kind.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first.")
    parser.add_argument("--kinds", nargs="+", default=names, choices=names)
    parser.add_argument("--originals", help="Where they are; default: made now.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        originals = Path(options.originals or scratch) / "originals"
        if not originals.exists():
            make_all(originals, Path(scratch))
        print("| kind | " + " | ".join(COLUMNS) + " |")
        print("|---" * (1 + len(COLUMNS)) + "|")
        is_good = all(
            [row(kind, options, originals) for kind in options.kinds]  # to the end
        )
    return 0 if is_good else 1


def row(kind, options, originals) -> bool:
    """Print the row of a kind; return whether all is as it must be."""
    if kind in file_attacks.KINDS:
        script, more = file_attacks.__file__, [originals]
    else:
        script, more = checkpoint_attacks.__file__, []
    attempts = attack(script, kind, options.count, *more, first=options.first)
    found = counts(attempts)
    equal = found.get("equal", 0) + found.get("loaded", 0)
    bad = sum(number for word, number in found.items() if word not in GOOD)
    figures = [
        len(attempts),
        found.get("refused", 0),
        equal,
        found.get("other", 0),
        found.get("silent", 0),
        bad - found.get("silent", 0),
        f"{max(attempt.seconds for attempt in attempts):.1f}",
        max(attempt.megabytes for attempt in attempts),
    ]
    print(f"| {kind} | " + " | ".join(map(str, figures)) + " |", flush=True)
    for attempt in attempts:
        if attempt.result not in GOOD:
            print(f"  {kind} {attempt.number}: {attempt.result}", file=sys.stderr)
    return not bad


if __name__ == "__main__":
    sys.exit(main())
