"""Which kind of targets data has: by its options and its folders."""

from pathlib import Path

from swin_keras.data.boxes import holds_boxes
from swin_keras.data.segmentation import holds_pairs
from swin_keras.errors import DataError, UsageError
from swin_keras.names import printable

TARGETS = ("classes", "masks", "boxes")
READ_WITH = {  # option -> the targets with which it is read
    "label_pattern": ("classes", "multi_label"),
    "reduce_zero_label": ("masks",),
    "box_format": ("boxes",),
    "voc_from_zero": ("boxes",),
}


def targets_of_folder(path, follow_links: bool = False) -> str:
    """Return which kind of `TARGETS` a folder seems to hold, by its layout."""
    if holds_boxes(path, follow_links):
        return "boxes"
    return "masks" if holds_pairs(Path(path), follow_links) else "classes"


def refuse_other_targets(path: Path, follow_links: bool = False):
    """Refuse a folder of masks or boxes, whose folders are no classes.

    Raises:
        DataError: That names the targets to read it with.
    """
    if not path.is_dir():
        return
    if found := holds_boxes(path, follow_links):
        raise DataError(
            f"{printable(path)} holds boxes ({found}). Read it with targets='boxes'."
        )
    if holds_pairs(path, follow_links):
        raise DataError(
            f"{printable(path)} holds images and masks. Read it with targets='masks'."
        )


def check_layout(kind: str, **options):
    """Refuse options of the layout that data with another kind of targets has not.

    Raises:
        UsageError: That names the first.
    """
    for name, value in options.items():
        if value and kind not in READ_WITH[name]:
            raise UsageError(
                f"`{name}` is for {' or '.join(READ_WITH[name])} and means nothing to "
                f"{kind}. Received: {name}={value!r}."
            )


def kind_of(targets: str, multi_label: bool) -> str:
    """Return the kind of `Targets` that is asked for."""
    if targets not in TARGETS:
        raise UsageError(
            f"`targets` must be one of {', '.join(TARGETS)}. Received: {targets!r}."
        )
    if multi_label and targets != "classes":
        raise UsageError(
            "`multi_label` is for classes of whole images. "
            f"Received: targets={targets!r}, multi_label=True."
        )
    return "multi_label" if multi_label else targets
