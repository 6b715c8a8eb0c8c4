"""One way in: a folder of pictures with boxes, or a TensorFlow Datasets name."""

from dataclasses import replace

from swin_keras.data.boxes.check import MAX_OBJECTS, on_set
from swin_keras.data.boxes.reading import read_boxes
from swin_keras.data.boxes.records import BoxSet
from swin_keras.data.boxes.splitting import complete
from swin_keras.data.findings import summarize
from swin_keras.data.folder import as_note, shorten
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.errors import DataError, UsageError
from swin_keras.files import expanded
from swin_keras.names import printable


def load_boxes(
    source,
    held_out: HeldOut | None = USUAL,
    *,
    data_dir=None,
    on_bad: str = "stop",
    box_format: str | None = None,
    voc_from_zero: bool = False,
    follow_links: bool = False,
    grey_range=None,
    max_objects: int = MAX_OBJECTS,
) -> BoxSet:
    """Read pictures with their boxes, split for training, choosing and judging.

    Boxes that need it are bent right or left out, which the notes say.

    Args:
        source: A folder, or the name of a set of TensorFlow Datasets with objects.
        held_out: What is held out for missing splits; `None` takes the splits
            that are there.
        data_dir: Where named sets are kept.
        on_bad: "stop" at errors, such as pictures that are missing and ids of no
            category, or "skip" what has them; to know all damaged pictures, "skip"
            decodes every one once, here.
        box_format: "coco", "yolo", "voc" or "labelme", for a folder of several.
        voc_from_zero: Whether pixels of Pascal VOC count from 0 even if no 0 occurs.
        follow_links: Whether links may lead out of the folder.
        grey_range: As for `load_dataset`.
        max_objects: How many objects a model will return for a picture at most.

    Raises:
        DataError: If the data cannot be found or used. All errors are listed.
        UsageError: If an argument is out of its range.
    """
    if on_bad not in ("stop", "skip"):
        raise UsageError(f"`on_bad` must be 'stop' or 'skip'. Received: {on_bad!r}.")
    path = expanded(source)
    if path.is_dir():
        boxes = read_boxes(
            path,
            box_format=box_format,
            voc_from_zero=voc_from_zero,
            follow_links=follow_links,
            decode=on_bad == "skip",
            grey_range=grey_range,
        )
    elif path.exists() or not isinstance(source, str):
        raise DataError(
            "Pictures and their boxes must be in a folder. "
            f"Received: {printable(source)}."
        )
    else:
        from swin_keras.data.boxes.tfds_objects import read_tfds

        boxes = read_tfds(source, data_dir=data_dir)
    errors = [finding for finding in boxes.findings if finding.level == "error"]
    if errors and on_bad == "stop":
        lines = [f"{e.kind} ({e.count}): {e.text}" for e in summarize(errors)]
        raise DataError(
            f"The boxes in {printable(source)} cannot be used as they are:\n"
            + shorten("\n".join(lines).splitlines())
            + "\nRepair or remove them, or leave them out with on_bad='skip'."
        )
    if held_out:
        boxes = complete(boxes, held_out)
        problem = problem_to_train(boxes)
        if problem:
            raise DataError(f"{printable(source)} cannot be used: {problem}")
    findings = (*boxes.findings, *on_set(boxes, max_objects))
    notes = (as_note(line) for line in summarize(findings))
    return replace(boxes, findings=findings, notes=(*boxes.notes, *notes))


def problem_to_train(boxes: BoxSet) -> str | None:
    """Explain why nothing can be learned from a set, or return `None`."""
    if not boxes.class_names:
        return "there are no classes."
    if not boxes.counts("train").sum():
        return "there is no box to train on."
    if empty := [title for title, records in boxes.splits.items() if not records]:
        return f"there are no pictures in {' and in '.join(empty)}."
    return None
