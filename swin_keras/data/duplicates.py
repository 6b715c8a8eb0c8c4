"""Find files that hold the same bytes, reading only those of equal size."""

import hashlib
import os
from collections import defaultdict
from pathlib import Path

from swin_keras.data.image_file import open_file


def same_files(root: Path, paths, max_bytes: int | None = None) -> list[list[str]]:
    """Return groups of two paths or more whose files are equal.

    Args:
        root: What the paths are below.
        paths: Files that can be read.
        max_bytes: How much may be read; if it takes more, nothing is.

    Returns:
        The groups, or none where that would take too long.
    """
    by_size = defaultdict(list)
    for path in paths:
        by_size[os.stat(root / path).st_size].append(path)
    alike = {size: same for size, same in by_size.items() if len(same) > 1}
    total = sum(size * len(same) for size, same in alike.items())
    if max_bytes is not None and total > max_bytes:
        return []
    by_digest = defaultdict(list)
    for size, same in alike.items():
        for path in same:
            by_digest[size, digest(root / path)].append(path)
    return [group for group in by_digest.values() if len(group) > 1]


def digest(path) -> bytes:
    """Return the SHA-256 of a file."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").digest()
