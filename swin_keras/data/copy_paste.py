"""Objects of one picture in front of another, with their masks."""

import numpy as np

from swin_keras.data.class_names import BACKGROUND
from swin_keras.errors import UsageError
from swin_keras.masks import IGNORED
from swin_keras.names import some_names


def background_of(class_names) -> int:
    """Return the class whose pixels are no object.

    Raises:
        UsageError: If none is called background.
    """
    for index, name in enumerate(class_names):
        if name.lower() in BACKGROUND:
            return index
    raise UsageError(
        "Objects can only be copied where a class is called background; all others are "
        f"objects. Received: copy_paste with the classes {some_names(class_names)}."
    )


def draw_donor(augmentation, count: int, rng: np.random.Generator) -> int | None:
    """Return the picture whose objects are to be pasted, if any.

    Draws only where some are.

    Args:
        augmentation: Of any kind; one with a `copy_paste` above 0 pastes.
        count: Number of pictures.
        rng: Draws.
    """
    share = getattr(augmentation, "copy_paste", 0)
    if not share or rng.random() >= share:
        return None
    return int(rng.integers(count))


def paste(pixels, mask, donor_pixels, donor_mask, background: int):
    """Return a picture and its mask with the objects of another in front.

    `(H, W, C)` and `(H, W)`. Where the mask is ignored, nothing is pasted: there may be
    no picture.

    Args:
        pixels: The picture.
        mask: Its classes.
        donor_pixels: The other, of the same size.
        donor_mask: Its classes.
        background: The class that is no object.

    Reference:
        Ghiasi et al., 2021: https://arxiv.org/abs/2012.07177
    """
    is_object = (donor_mask != background) & (donor_mask != IGNORED)
    is_object &= mask != IGNORED
    front = np.where(is_object[..., None], donor_pixels, pixels)
    return front, np.where(is_object, donor_mask, mask)
