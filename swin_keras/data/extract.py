"""Write a data set's images as files in class folders."""

from pathlib import Path

import numpy as np

from swin_keras.data.class_names import folder_of
from swin_keras.data.dataset import ImageDataset
from swin_keras.errors import DataError, ResourceError, UsageError
from swin_keras.files import expanded

OPTIONS = {"png": {}, "jpeg": {"quality": 95}}


def extract(
    dataset: ImageDataset,
    directory,
    count: int | None = None,
    split: str = "test",
    format: str = "png",
) -> list[Path]:
    """Write `directory/<class>/<split>_<index>.<format>`.

    Where images do not have one class each, there are no class folders.

    Every class has a folder of its own, whatever its name: "T-shirt/top" is in
    `T-shirt%2Ftop`, which `load_dataset` reads as "T-shirt/top" again.

    Args:
        dataset: Where the images come from.
        directory: A folder that is empty or not there yet.
        count: Images in all, spread evenly over the split. Defaults to all.
        split: "train", "val", "test" or "all".
        format: "png", or "jpeg" of quality 95.

    Returns:
        The paths of the files, in the order of the split.

    Raises:
        UsageError: If `split` or `format` is none of these, `count` is below 1, or
            `directory` is a file.
        DataError: If `directory` holds anything, or gives two classes one folder.
        ResourceError: If it cannot be written.
    """
    for name, value, known in (
        ("split", split, [*sorted(dataset.splits), "all"]),
        ("format", format, sorted(OPTIONS)),
    ):
        if value not in known:
            raise UsageError(
                f"`{name}` must be one of {', '.join(known)}. Received: {value!r}."
            )
    if count is not None and count < 1:
        raise UsageError(f"`count` must be at least 1. Received: count={count}.")
    directory = expanded(directory)
    if directory.exists() and not directory.is_dir():
        raise UsageError(
            f"The images must be written to a folder. Received: {directory}, a file."
        )
    try:
        return _write(dataset, directory, count, split, format)
    except FileExistsError as error:  # where "a" and "A" are one folder
        raise DataError(
            f"Each class must get a folder of its own in {directory}, where capitals "
            f"do not tell names apart: {error.filename}."
        ) from error
    except OSError as error:
        raise ResourceError(
            f"The images must be written to {directory}: {error.strerror}. What is "
            "there is incomplete; remove it, or choose another folder."
        ) from error


def _write(dataset, directory, count, split, format):
    if directory.exists() and any(directory.iterdir()):
        raise DataError(
            f"{directory} must be empty or not there yet, so nothing is lost."
        )
    images = dataset.split(split)
    directory.mkdir(parents=True, exist_ok=True)
    folder_at = _folders(images, dataset.class_names, directory)
    paths = []
    for index in evenly_spaced(len(images), count):
        path = folder_at(index) / f"{split}_{index:05d}.{format}"
        image = images.image(index, dataset.image_shape[-1])
        image.save(path, format, **OPTIONS[format])
        paths.append(path)
    return paths


def _folders(images, class_names, directory):
    """Make the folders; return a function from an image's index to its own."""
    if images.targets.kind != "classes":
        return lambda index: directory
    labels = images.labels
    folders = [directory / folder_of(name) for name in class_names]
    for folder in folders:
        folder.mkdir()
    return lambda index: folders[labels[index]]


def evenly_spaced(size: int, count: int | None = None) -> list[int]:
    """Return `count` indices below `size`, evenly apart.

    Example:

    >>> evenly_spaced(10, 3)
    [0, 3, 6]
    """
    count = size if count is None else min(count, size)
    return (np.arange(count) * size // max(count, 1)).tolist()
