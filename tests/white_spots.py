"""Finds white rectangles, as a perfect detector would."""

import numpy as np


def spots_in(mask) -> list[tuple]:
    """Return top, left, bottom and right of each rectangle of a mask `(H, W)`."""
    found, mask = [], mask.copy()
    while mask.any():
        top, left = np.argwhere(mask)[0]
        high = np.argmin(np.append(mask[top:, left], False))
        wide = np.argmin(np.append(mask[top, left:], False))
        mask[top : top + high, left : left + wide] = False
        found.append((top, left, top + high, left + wide))
    return found
