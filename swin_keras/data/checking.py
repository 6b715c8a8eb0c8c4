"""Look over a folder, of classes, masks or boxes. Changes no file."""

from collections.abc import Callable

from swin_keras.data.boxes import check_boxes
from swin_keras.data.check import check_classes
from swin_keras.data.findings import Report
from swin_keras.data.kinds import check_layout, kind_of, refuse_other_targets
from swin_keras.data.segmentation import check_masks
from swin_keras.errors import UsageError
from swin_keras.files import expanded


def check_folder(
    path,
    *,
    targets: str = "classes",
    quick: bool = False,
    label_pattern: str | None = None,
    grey_range=None,
    follow_links: bool = False,
    multi_label: bool = False,
    reduce_zero_label: bool = False,
    box_format: str | None = None,
    unlabelled=None,
    sheet=None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Check every image of a folder and the folder itself.

    What is ready here is ready for `load_dataset` with the same arguments.

    Args:
        path: A folder or a table that `load_dataset` takes.
        targets: As for `load_dataset`.
        quick: Read the headers of images only, as training does before it begins.
        label_pattern: As for `load_dataset`.
        grey_range: As for `load_dataset`.
        follow_links: As for `load_dataset`.
        multi_label: As for `load_dataset`.
        reduce_zero_label: As for `load_dataset`.
        box_format: As for `load_dataset`.
        unlabelled: A folder of images without labels that a teacher is to answer
            about, or `None`.
        sheet: A PNG to write: pictures with their boxes.
        progress: Called with `(done, total)` after each image.

    Returns:
        The report; of masks a `MaskReport`, of boxes a `BoxReport`.

    Raises:
        DataError: If there is no such folder, or it holds other targets.
        UsageError: If an argument means nothing to these targets.
    """
    kind, path = kind_of(targets, multi_label), expanded(path)
    check_layout(
        kind,
        label_pattern=label_pattern,
        reduce_zero_label=reduce_zero_label,
        box_format=box_format,
    )
    if unlabelled is not None and kind != "classes":
        raise UsageError(
            "`unlabelled` is for images of one class each: other tasks do not learn "
            f"without labels. Received: {path}, which is checked for {kind}."
        )
    if sheet is not None and kind != "boxes":
        raise UsageError(
            "`sheet` is a picture of boxes. Received: "
            f"{path}, which is checked for {kind}."
        )
    shared = {
        "quick": quick,
        "grey_range": grey_range,
        "follow_links": follow_links,
        "progress": progress,
    }
    if kind == "boxes":
        return check_boxes(path, box_format=box_format, sheet=sheet, **shared)
    if kind == "masks":
        return check_masks(path, reduce_zero_label=reduce_zero_label, **shared)
    refuse_other_targets(path, follow_links)
    return check_classes(
        path,
        label_pattern=label_pattern,
        multi_label=multi_label,
        unlabelled=unlabelled,
        **shared,
    )
