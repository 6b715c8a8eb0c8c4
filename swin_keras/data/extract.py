"""Write a data set's images as files in class folders."""

from pathlib import Path

import numpy as np

from swin_keras.data.dataset import ImageDataset
from swin_keras.errors import DataError, UsageError

OPTIONS = {"png": {}, "jpeg": {"quality": 95}}


def extract(
    dataset: ImageDataset,
    directory,
    count: int | None = None,
    split: str = "test",
    format: str = "png",
) -> list[Path]:
    """Write `directory/<class>/<split>_<index>.<format>`.

    Args:
        dataset: Where the images come from.
        directory: A folder that is empty or not there yet.
        count: Images in all, spread evenly over the split. Defaults to all.
        split: "train", "val" or "test".
        format: "png", or "jpeg" of quality 95.

    Returns:
        The paths of the files, in the order of the split.

    Raises:
        UsageError: If `split` or `format` is none of these.
        DataError: If `directory` holds anything.
    """
    for name, value, known in (
        ("split", split, sorted(dataset.splits)),
        ("format", format, sorted(OPTIONS)),
    ):
        if value not in known:
            raise UsageError(
                f"`{name}` must be one of {', '.join(known)}. Received: {value!r}."
            )
    directory = Path(directory)
    if directory.exists() and any(directory.iterdir()):
        raise DataError(
            f"{directory} must be empty or not there yet, so nothing is lost."
        )
    images = dataset.splits[split]
    folders = [directory / folder_name(name) for name in dataset.class_names]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in spread(len(images), count):
        path = folders[images.labels[index]] / f"{split}_{index:05d}.{format}"
        image = images.image(index, dataset.image_shape[-1])
        image.save(path, format, **OPTIONS[format])
        paths.append(path)
    return paths


def spread(size: int, count: int | None = None) -> list[int]:
    """Return `count` indices below `size`, evenly apart.

    Example:

    >>> spread(10, 3)
    [0, 3, 6]
    """
    count = size if count is None else min(count, size)
    return (np.arange(count) * size // max(count, 1)).tolist()


def folder_name(class_name: str) -> str:
    """Return a class name that can be a folder: "T-shirt/top" -> "T-shirt_top"."""
    return class_name.replace("/", "_").replace("\\", "_")
