"""How large the pictures of a split usually are, where they have many sizes."""

import numpy as np

from swin_keras.data.image_file import ImageError, open_image
from swin_keras.data.image_io import upright_size
from swin_keras.data.splits import Split

LOOKED_AT = 50  # pictures, of which only the heads are read


def usual_size(split: Split) -> tuple[int, int] | None:
    """Return the median height and width of some pictures, in pixels.

    `None` where none of them can be read.
    """
    sizes = []
    for index in np.linspace(0, len(split) - 1, min(LOOKED_AT, len(split))).astype(int):
        try:
            with open_image(split.source(index), split.name(index)) as image:
                sizes.append(upright_size(image))
        except ImageError:
            continue  # training tells of it, or leaves it out
    if not sizes:
        return None
    width, height = np.median(sizes, axis=0)
    return int(height), int(width)
