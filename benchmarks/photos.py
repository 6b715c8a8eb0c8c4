"""Photographs as JPEG files, for benchmarks that read images."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

GRAIN = 4.0  # standard deviation of what a sensor adds, where a photo is enlarged
QUALITY = 90
CLASSES = ("one", "two")


def write_photos(
    folder: Path, count: int, size: tuple[int, int], seed: int = 0
) -> list[str]:
    """Write `<class>/<number>.jpg`, each another part of a real photograph.

    The two photographs are scikit-learn's, 640 x 427. Noise would take untypically
    long to decode, and a picture that is only enlarged untypically short.

    Args:
        folder: Where.
        count: How many.
        size: `(width, height)` in pixels.
        seed: Of the parts.

    Returns:
        Their paths below the folder.
    """
    photos = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    rng, names = np.random.default_rng(seed), []
    for number in range(count):
        photo, name = photos[number % 2], CLASSES[number % 2]
        names.append(f"{name}/{number}.jpg")
        (folder / name).mkdir(parents=True, exist_ok=True)
        part = _part(photo, size, rng)
        part.save(folder / names[-1], quality=QUALITY)
    return names


def _part(photo, size, rng):
    """Return a random part of a photo with the aspect ratio of `size`."""
    (width, height), (most_width, most_height) = size, photo.size
    scale = min(1.0, 0.9 * most_width / width, 0.9 * most_height / height)
    box_width, box_height = scale * width, scale * height
    left, top = rng.random(2) * (most_width - box_width, most_height - box_height)
    box = (left, top, left + box_width, top + box_height)
    part = photo.resize(size, Image.Resampling.BICUBIC, box=box)
    if scale == 1:
        return part
    grain = rng.standard_normal((height, width, 1), np.float32) * GRAIN
    return Image.fromarray((np.asarray(part) + grain).clip(0, 255).astype(np.uint8))
