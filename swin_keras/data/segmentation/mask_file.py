"""Read a mask: a file of values, of palette indices or of colours."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from swin_keras.data.decoding_memory import memory_for
from swin_keras.data.image_file import ImageError, name_of, open_image
from swin_keras.data.image_io import UPRIGHT, orientation
from swin_keras.data.segmentation.class_table import ClassTable
from swin_keras.data.segmentation.lossy import lossy_kind
from swin_keras.data.targets.target import Reader
from swin_keras.masks import IGNORED

VALUES = 256  # of a mask, 255 of which is `IGNORED`
STEPS = {"L;2": 85, "L;4": 17}  # between the greys of 2 and of 4 bits, in Pillow
MAX_COLOURS = 8  # that a message lists
GREYS = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L", "F", "LA", "PA")


def open_mask(source, name: str | None = None) -> Image.Image:
    """Decode a mask file as it is stored, its palette not applied.

    Args:
        source: A path, or the bytes of an image file.
        name: What messages call it.

    Raises:
        ImageError: If it cannot be read.
    """
    name = name_of(source, name)
    with open_image(source, name) as image, memory_for(image.size):
        if kind := lossy_kind(image):
            reason = f"is {kind}, which does not keep classes; a mask must be a PNG"
            raise ImageError(name, reason)
        step = _step_of(image)
        try:
            image.load()
        except Exception as error:  # Pillow lets through whatever a reader met
            raise ImageError(name, f"truncated or damaged ({error})") from error
        turn = UPRIGHT.get(orientation(image))
        if step is not None:
            image = _as_indices(image, step)
        return image if turn is None else image.transpose(turn)


def _step_of(image: Image.Image) -> int | None:
    """Return what Pillow will multiply values of 2 or 4 bits by, for their greys."""
    if image.mode != "L" or not image.tile:
        return None
    way = image.tile[0][3]  # which Pillow has as a word, or first of several
    word = way[0] if isinstance(way, tuple) else way
    return STEPS.get(str(word)[:3])


def _as_indices(image: Image.Image, step: int) -> Image.Image:
    """Return greys in steps as the values of the file, in a palette of these greys."""
    values = image.point([grey // step for grey in range(VALUES)])
    indices = Image.frombytes("P", image.size, values.tobytes())
    indices.putpalette(np.repeat(np.arange(0, VALUES, step, np.uint8), 3).tobytes())
    return indices


def values_of(image: Image.Image, name: str) -> np.ndarray:
    """Return the values of a mask that holds no colours, uint8 `(H, W)`.

    Raises:
        ImageError: If it holds colours, values above 255, or indices of greys that
            could be the classes themselves.
    """
    if image.mode in ("P", "PA"):
        _require_clear_palette(image, name)
    if image.mode in ("LA", "PA"):
        image = image.getchannel(0)
    if image.mode in GREYS:
        values = np.asarray(image)
        with np.errstate(invalid="ignore"):
            whole = values.astype(np.uint8)
        if (whole != values).any():
            wrong = values[whole != values].flat[0]
            reason = f"holds the value {wrong}; a mask's are whole, from 0 to 255"
            raise ImageError(name, reason)
        return whole
    pixels = np.asarray(image.convert("RGB"))
    if (pixels == pixels[..., :1]).all():  # values, written as grey colours
        return pixels[..., 0]
    raise ImageError(
        name,
        f"holds colours, not classes ({_listed(codes_of(image))}). Say which classes "
        "they are in a classes.csv beside the masks, in rows of name,r,g,b",
    )


def _require_clear_palette(image, name):
    """Refuse indices of greys unless they are classes, shown from black to white.

    What reduces the colours of a grey mask, or saves it as GIF, numbers the greys of
    each file anew: then these are the classes, and not the indices.
    """
    palette = np.reshape(image.getpalette() or (0, 0, 0), (-1, 3))
    greys = palette[:, 0]
    if (palette != palette[:, :1]).any():
        return
    last = int(greys.nonzero()[0].max(initial=0))  # beyond which files are filled up
    even = np.arange(last + 1) * 255 / max(last, 1)
    shown = greys[: last + 1]
    if ((np.floor(even) <= shown) & (shown <= np.ceil(even))).all():
        return
    used = [index for _, index in image.getchannel(0).getcolors()]
    for index in sorted(used):
        if index < len(greys) and greys[index] != index:
            raise ImageError(
                name,
                f"has a palette of greys that are not its indices (index {index} is "
                f"grey {greys[index]}), so that either could be the classes; write "
                "them as grey values, without a palette (mode L in Pillow)",
            )


def codes_of(image: Image.Image) -> np.ndarray:
    """Return the colour of each pixel as a number, int32 `(H, W)`."""
    pixels = np.asarray(image.convert("RGB")).astype(np.int32)
    return (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]


@dataclass(frozen=True, eq=False)
class Meaning:
    """What the values or colours of masks stand for.

    Args:
        classes: Number of classes.
        table: Names and colours of the classes, if there is one.
        reduce_zero_label: Whether value 0 is ignored, and 1 is the first class.
    """

    classes: int
    table: ClassTable | None = None
    reduce_zero_label: bool = False

    def read(self, source, name: str | None = None) -> np.ndarray:
        """Return the classes of a mask file, uint8 `(H, W)`; `IGNORED` for none.

        Raises:
            ImageError: If it cannot be read, or holds what is not a class.
        """
        image, name = open_mask(source, name), name_of(source, name)
        if self.table is not None and self.table.colours:
            return self._of_colours(image, name)
        values = values_of(image, name)
        classes = self.of_values()[values]
        wrong = np.unique(values[classes == VALUES])
        if wrong.size:
            raise ImageError(name, self.complaint(wrong))
        return classes.astype(np.uint8)

    def of_values(self) -> np.ndarray:
        """Return the class of each value, `VALUES` for none: int16 `(256,)`."""
        values = np.arange(VALUES, dtype=np.int16)
        if self.reduce_zero_label:
            values = np.where(values == 0, IGNORED, values - 1)
            values[IGNORED] = IGNORED
        rows = np.arange(self.classes) if self.table is None else self.table.classes
        known = np.full(VALUES, VALUES, np.int16)
        known[: len(rows)] = rows
        known[IGNORED] = IGNORED
        return known[values]

    def complaint(self, values) -> str:
        """Return what is wrong with values that no class has."""
        first = int(self.reduce_zero_label)
        last = self.classes - 1 + first
        if self.table is not None:
            last = len(self.table.rows) - 1 + first
        shown = ", ".join(map(str, values[:MAX_COLOURS]))
        more = ", ..." if len(values) > MAX_COLOURS else ""
        return (
            f"holds {shown}{more}, but classes are {first} to {last}, and "
            f"{IGNORED} is ignored"
        )

    def _of_colours(self, image, name):
        table = self.table
        known = np.array([(r << 16) | (g << 8) | b for r, g, b in table.colours])
        order = np.argsort(known)
        codes = codes_of(image)
        places = np.searchsorted(known[order], codes).clip(0, len(known) - 1)
        found = known[order][places] == codes
        if not found.all():
            listed = _listed(codes[~found])
            reason = f"holds colours that are not in {table.file} ({listed})"
            raise ImageError(name, reason)
        return table.classes[order][places]


class MaskReader(Reader):
    """Reads masks that are stored as such, whose pixels may all be ignored."""

    def has_labels(self, item):
        return bool((self(item) != IGNORED).any())


@dataclass(frozen=True, eq=False)
class MaskFiles(MaskReader):
    """Reads mask files: each item is a path below `root`, and how it is turned.

    Args:
        root: The folder.
        meaning: What their values stand for.
    """

    root: Path
    meaning: Meaning

    def __call__(self, item):
        path, orientation = item
        mask = self.meaning.read(str(self.root / path))
        return turned(mask, orientation)

    def contents(self, item):
        path, _ = item
        return f"{path} {(self.root / path).stat().st_size}\n".encode(
            "utf-8", "surrogateescape"
        )


@dataclass(frozen=True, eq=False)
class EncodedMasks(MaskReader):
    """Reads masks held in memory: each item is the bytes of a file."""

    meaning: Meaning

    def __call__(self, item):
        return self.meaning.read(item, "mask")

    def contents(self, item):
        return f"{len(item)}\n".encode()


def turned(mask: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a mask as its picture's EXIF orientation asks; 1 for not at all."""
    turn = UPRIGHT.get(orientation)
    if turn is None:
        return mask
    return np.asarray(Image.fromarray(mask).transpose(turn))


def _listed(codes) -> str:
    """Return the colours of some pixels, the most frequent first, for a message."""
    found, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    words = [
        f"{code >> 16},{code >> 8 & 255},{code & 255} in {count} pixels"
        for code, count in zip(
            found[order][:MAX_COLOURS], counts[order][:MAX_COLOURS], strict=True
        )
    ]
    more = len(found) - len(words)
    return "; ".join(words + [f"and {more} more"] * (more > 0))
