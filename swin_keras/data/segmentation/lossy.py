"""Tell masks whose file does not keep values, so that classes would blur."""

from PIL import Image

NAMES = {  # Pillow's word -> a file's, where none is sure to keep values
    "JPEG": "a JPEG",
    "MPO": "a JPEG",
    "AVIF": "an AVIF",
    "HEIF": "a HEIC",
}
COMPRESSIONS = {"jpeg": "JPEG", "tiff_jpeg": "JPEG", "webp": "WebP"}  # of TIFF
FRAME_HEADER = 16  # bytes before the chunks of a frame


def lossy_kind(image: Image.Image) -> str | None:
    """Return what an image file is that may not keep values: "a JPEG", or `None`.

    Args:
        image: The image, which is opened and not loaded yet.
    """
    if image.format == "TIFF":
        compression = COMPRESSIONS.get(image.info.get("compression"))
        return compression and f"a TIFF of {compression} inside"
    if image.format == "WEBP":
        return "a lossy WebP" if b"VP8 " in _chunks(image.fp) else None
    return NAMES.get(image.format)


def _chunks(file) -> set[bytes]:
    """Return the kinds of the chunks of a WebP, those of its frames, too."""
    file.seek(12)  # RIFF, a size, WEBP
    kinds = set()
    while len(header := file.read(8)) == 8:
        kinds.add(kind := header[:4])
        size = int.from_bytes(header[4:], "little")
        file.seek(FRAME_HEADER if kind == b"ANMF" else size + size % 2, 1)
    return kinds
