"""One way in: a folder of images, a built-in set or a TensorFlow Datasets name."""

import os
from pathlib import Path

from swin_keras.data.dataset import ImageDataset
from swin_keras.data.folder import load_folder
from swin_keras.data.idx import CLASS_NAMES, holds_idx, load_idx
from swin_keras.errors import DataError, UsageError


def load_dataset(
    source,
    *,
    data_dir=None,
    seed: int = 0,
    val_fraction: float = 0.1,
    on_bad: str = "stop",
) -> ImageDataset:
    """Read a data set with its train, val and test split.

    Args:
        source: A folder of class folders; "digits"; or the name of an image
            classification set of TensorFlow Datasets.
        data_dir: Where named sets are kept. For "mnist" and "fashion_mnist" it
            may also hold the four published IDX files.
        seed: Chooses the images that are held out where a split is missing.
        val_fraction: Share of the images held out for each missing split.
        on_bad: What to do about files in a folder that are no usable images:
            "stop" lists them all, "skip" leaves them out and records each.

    Returns:
        The data set. Show its `notes` to the user.

    Raises:
        DataError: If the data cannot be found or used.
        UsageError: If an argument is out of its range.
    """
    if not 0 < val_fraction < 0.5:
        raise UsageError(
            "`val_fraction` must lie between 0 and 0.5. "
            f"Received: val_fraction={val_fraction}."
        )
    folder = Path(source).expanduser()
    if folder.is_dir():
        return load_folder(folder, seed=seed, val_fraction=val_fraction, on_bad=on_bad)
    if not isinstance(source, str) or looks_like_path(source):
        raise DataError(f"Data must be a folder that exists. Received: {source}.")
    given = Path(data_dir).expanduser() if data_dir else None
    if source in CLASS_NAMES and given and holds_idx(given):
        return load_idx(source, given, seed=seed, val_fraction=val_fraction)

    from swin_keras.data.tfds_source import load_tfds

    return load_tfds(source, data_dir=given, seed=seed, val_fraction=val_fraction)


def looks_like_path(source: str) -> bool:
    """Tell a path from a name; "mnist/config" may still be a TFDS name."""
    return (
        source.startswith((".", "~", os.sep)) or "\\" in source or os.path.isabs(source)
    )
