"""Pictures as text: data URIs, so that a page needs no other file."""

import base64
import io

LARGEST = 160  # pixels a side of an image in a page
SMALL = 64  # up to this side an image keeps every pixel


def image_uri(image, largest: int = LARGEST) -> str:
    """Return a Pillow image as a data URI; large ones are made smaller.

    Small images become PNG, which keeps their pixels, others JPEG.

    Args:
        image: The image.
        largest: Pixels a side to which it is made smaller.
    """
    buffer = io.BytesIO()
    if max(image.size) <= SMALL:
        image.save(buffer, "PNG", optimize=True)
        return _data_uri(buffer, "image/png")
    image = image.copy()
    image.thumbnail((largest, largest))
    image.save(buffer, "JPEG", quality=80)
    return _data_uri(buffer, "image/jpeg")


def plot_uri(plot, *arguments, **options) -> str:
    """Return what a function of `plots` draws as a data URI, sharp at any size."""
    buffer = io.BytesIO()
    plot(*arguments, path=buffer, **options)
    return _data_uri(buffer, "image/svg+xml")


def _data_uri(buffer, kind):
    return f"data:{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
