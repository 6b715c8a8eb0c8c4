"""Make a data set of a folder of pictures and masks."""

from pathlib import Path

from swin_keras.data.dataset import ImageDataset
from swin_keras.data.findings import summarize
from swin_keras.data.folder import as_note, shorten
from swin_keras.data.segmentation.check import on_folder
from swin_keras.data.segmentation.folder import MaskFolder, look_into_folder
from swin_keras.data.segmentation.outline_folder import (
    OutlineFolder,
    look_into_outlines,
)
from swin_keras.data.segmentation.pairs import holds_pairs
from swin_keras.data.split_folders import WHOLE
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.errors import DataError, UsageError
from swin_keras.names import printable


def load_masks(
    path,
    held_out: HeldOut | None = USUAL,
    *,
    on_bad: str = "stop",
    reduce_zero_label: bool = False,
    grey_range=None,
    follow_links: bool = False,
) -> ImageDataset:
    """Read `images/` and `masks/`, with or without split folders, or outlines.

    Outlines are COCO's or LabelMe's json; class 0 is the background: what no outline
    holds.

    Every mask is decoded once: values that are no class are found here, not in the
    middle of a run.

    Args:
        path: The folder.
        held_out: What is held out for missing splits; `None` takes the splits
            that are there.
        on_bad: "stop" at what cannot be used, or "skip" it; pictures are then
            decoded once, too.
        reduce_zero_label: As for `load_dataset`.
        grey_range: As for `load_dataset`.
        follow_links: As for `load_dataset`.

    Raises:
        DataError: If pictures or masks are not as they must be. All are listed.
    """
    if on_bad not in ("stop", "skip"):
        raise UsageError(f"`on_bad` must be 'stop' or 'skip'. Received: {on_bad!r}.")
    path = Path(path)
    folder = look_into(
        path,
        decode=on_bad == "skip",
        reduce_zero_label=reduce_zero_label,
        follow_links=follow_links,
        grey_range=grey_range,
    )
    problems = folder.problems
    if problems and on_bad == "stop":
        raise DataError(
            f"{len(problems)} files in {printable(path)} cannot be used:\n"
            + shorten(f"{printable(p)}: {reason}" for p, reason in problems.items())
            + "\nRepair or remove them, or leave them out with on_bad='skip'."
        )
    splits = {title: folder.split(title, grey_range) for title in folder.titles}
    if held_out:
        if unfit := problem_to_train(folder):
            raise DataError(f"{printable(path)} cannot be used: {unfit}")
        if WHOLE in splits:
            splits = {"train": splits[WHOLE]}
        splits, notes = held_out.complete(splits)
        if isinstance(folder, OutlineFolder):  # whose pixels are not counted yet
            notes += folder.unseen(splits["train"])
        else:
            notes += tuple(as_note(line) for line in summarize(on_folder(folder)))
    else:
        notes = ()
    return ImageDataset(
        name=path.resolve().name,
        class_names=folder.class_names,
        splits=splits,
        notes=folder.notes + notes,
        skipped=tuple((printable(path / p), why) for p, why in problems.items()),
    )


def look_into(path, *, reduce_zero_label: bool = False, **options):
    """Return a folder, looked at: a `MaskFolder`, or else an `OutlineFolder`.

    Args:
        path: The folder.
        reduce_zero_label: As for `load_dataset`; not for outlines.
        **options: Those of `look_into_folder` and `look_into_outlines` alike.

    Raises:
        DataError: If it holds neither, or it cannot be told what the classes are.
        UsageError: If `reduce_zero_label` is for no files of masks.
    """
    if holds_pairs(path, options.get("follow_links", False)):
        return look_into_folder(path, reduce_zero_label=reduce_zero_label, **options)
    if reduce_zero_label:
        raise UsageError("`reduce_zero_label` is for files of masks.")
    return look_into_outlines(path, **options)


def problem_to_train(folder: MaskFolder | OutlineFolder) -> str | None:
    """Explain why nothing can be learned from a folder, or return `None`."""
    if WHOLE not in folder.titles and "train" not in folder.titles:
        return f"there are no train images beside {', '.join(folder.titles)}."
    for title in folder.titles:
        if not folder.usable(title):
            where = "" if title == WHOLE else f" in {title}"
            return f"there is no image with a mask{where}."
    if len(folder.class_names) < 2:
        return (
            "there must be two classes or more, the background among them, not only "
            f"{folder.class_names[0]!r}."
        )
    return None
