"""Open an image file: a regular file of a known format that memory can take."""

import io
import os
import re
import stat
import warnings
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from swin_keras.errors import DataError
from swin_keras.names import printable

IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "AVIF")
FORMATS_OF = {  # ending -> what a file of that name may hold
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), ("JPEG", "MPO")),
    ".png": ("PNG",),
    ".bmp": ("BMP", "DIB"),
    ".gif": ("GIF",),
    ".webp": ("WEBP",),
    **dict.fromkeys((".tif", ".tiff"), ("TIFF",)),
    ".avif": ("AVIF",),
    **dict.fromkeys((".heic", ".heif"), ("HEIF",)),
}
MAX_PIXELS = 89_478_485  # where Pillow begins to speak of a decompression bomb
MAX_SIDE = 30_000
MAX_BYTES = 2**29  # of a file; an uncompressed image of the most pixels is half of it

BEGINNINGS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|BM|GIF8[79]a|RIFF....WEBP|II\*\0|MM\0\*"
    rb"|....ftyp(?:avi[fs]|hei[cxms]|hev[cx]|mif1|msf1)",
    re.DOTALL,
)
HEIF = re.compile(rb"....ftyp(?!avi)", re.DOTALL)
TILE_WIDTH, TILE_LENGTH = 322, 323  # tags of a TIFF


class ImageError(DataError):
    """One image that cannot be used; `reason` says why, without its name."""

    def __init__(self, name, reason: str):
        super().__init__(f"{printable(name)}: {reason}")
        self.name = name
        self.reason = printable(reason)

    def __reduce__(self):  # for processes that load images
        return type(self), (self.name, self.reason)


@contextmanager
def open_image(source, name: str | None = None):
    """Read the header only, and refuse sizes that could fill the memory.

    A context manager that gives a Pillow image and closes its file.

    Args:
        source: A path, or the bytes of an image file.
        name: What messages call it. Defaults to the path.

    Raises:
        ImageError: If there is no header to read, it declares too much, or the
            path is that of no regular file.
    """
    name = name_of(source, name)
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else open_file(source)
    except OSError as error:
        raise ImageError(name, _system_words(error)) from error
    with file:
        try:
            image = _read_header(file)
        except Exception as error:  # Pillow lets through whatever a reader met
            raise ImageError(name, _reason(error, file)) from error
        yield image


def open_file(path, max_bytes: float = MAX_BYTES):
    """Open a regular file of at most so many bytes to read them.

    Other kinds may wait for ever, never end, or act when they are opened.

    Raises:
        OSError: If it is no such file, or may not be read.
    """
    _require_regular(os.stat(path), max_bytes)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _require_regular(
            os.fstat(descriptor), max_bytes
        )  # what was opened is what counts
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def begins_as_image(path) -> bool:
    """Return whether a file is a picture of a known format, by its first bytes."""
    try:
        if not os.stat(path).st_size:
            return False
        with open_file(path) as file:
            return BEGINNINGS.match(file.read(32)) is not None
    except OSError:
        return False


@contextmanager
def without_pillow_warnings():
    """Silence Pillow on sizes that `open_image` refuses anyway and on odd EXIF.

    Warning filters belong to the whole process: enter this in one thread,
    around the work of others.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def name_of(source, name: str | None = None) -> str:
    """Return what messages call an image: its name, its path, or "image"."""
    if name is None:
        name = "image" if isinstance(source, bytes) else os.fspath(source)
    return name


class _Refused(Exception):  # noqa: N818  never seen outside
    """What is wrong with a file, in the words of its message."""


def _read_header(file):
    formats = IMAGE_FORMATS
    if HEIF.match(file.read(32)):
        _register_heif()
        formats = ("HEIF",)
    file.seek(0)
    image = Image.open(file, formats=formats)
    width, height = image.size
    tile = _tile_size(image)
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _Refused(_too_large(f"{width} x {height} pixels"))
    if tile[0] * tile[1] > MAX_PIXELS:
        raise _Refused(_too_large(f"tiles of {tile[0]} x {tile[1]} pixels"))
    return image


def _tile_size(image):
    if image.format != "TIFF":
        return 0, 0
    return image.tag_v2.get(TILE_WIDTH, 0), image.tag_v2.get(TILE_LENGTH, 0)


def _register_heif():
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise _Refused(
            "HEIC, which needs another package: pip install 'swin-keras[heif]'"
        ) from None
    register_heif_opener()


def _require_regular(status, max_bytes):
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"no regular file, but {kind_of(status.st_mode)}")
    if status.st_size > max_bytes:
        raise OSError(
            f"too large, {status.st_size:,} bytes; at most {max_bytes:,} are read"
        )


def kind_of(mode: int) -> str:
    """Return what a file is that is not regular: "a FIFO"."""
    kinds = {
        stat.S_ISDIR: "a folder",
        stat.S_ISFIFO: "a FIFO",
        stat.S_ISSOCK: "a socket",
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
    }
    return next((kind for holds, kind in kinds.items() if holds(mode)), "another kind")


def _reason(error: Exception, file) -> str:
    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        pixels = re.search(r"\d+", str(error))  # Pillow's own limit is another one
        return _too_large(f"{int(pixels[0]):,} pixels")
    if isinstance(error, UnidentifiedImageError):
        file.seek(0, os.SEEK_END)
        kinds = "JPEG, PNG, BMP, GIF, WebP, TIFF, AVIF or HEIC"
        return (
            f"not an image that can be read: {kinds}"
            if file.tell()
            else "empty, 0 bytes"
        )
    if isinstance(error, OSError) and error.strerror:
        return _system_words(error)
    return f"damaged header ({error})"


def _system_words(error: OSError) -> str:
    return (error.strerror or str(error)).lower() if error.errno else str(error)


def _too_large(declared: str) -> str:
    return (
        f"too large, its header declares {declared}; at most {MAX_PIXELS:,} pixels "
        f"and {MAX_SIDE:,} a side are read. Make it smaller"
    )
