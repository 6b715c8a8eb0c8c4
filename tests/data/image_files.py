"""Make image files, good and bad, for the tests of the data."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def noise(seed: int, size=(40, 36)) -> Image.Image:
    """An RGB image of `(width, height)` unlike that of any other seed."""
    width, height = size
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def quadrants(side: int = 32) -> Image.Image:
    """Four squares of one colour each, so that every turn looks different."""
    image = Image.new("RGB", (2 * side, 2 * side), RED)
    for colour, place in ((GREEN, (side, 0)), (BLUE, (0, side)), (WHITE, (side, side))):
        image.paste(colour, (*place, place[0] + side, place[1] + side))
    return image


def make_folder(root: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """Write `counts[name]` PNG files to `root/name` for each name."""
    for name, count in counts.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            seed += 1
            noise(seed + hash_of(str(folder))).save(folder / f"{index:03d}.png")
    return root


def hash_of(text: str) -> int:
    return zlib.crc32(text.encode())


def png_that_declares(width: int, height: int) -> bytes:
    """A PNG whose header is valid and asks for more than its pixels hold."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def encoded(image: Image.Image, format: str, **options) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def file_bytes(root: Path) -> dict[str, bytes]:
    """Path -> content of all files below a folder."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
