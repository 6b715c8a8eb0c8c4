"""Make a data set of a folder of images, or of a table that names them."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from swin_keras.data.check import MAX_READ, on_set
from swin_keras.data.dataset import ImageDataset
from swin_keras.data.findings import summarize
from swin_keras.data.inspection import look_at_all, unusable
from swin_keras.data.listing import NO_CLASS, list_source, with_shared_files
from swin_keras.data.readiness import file_splits, problems_to_train, splits_to_train
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.errors import DataError, UsageError
from swin_keras.names import printable

ONE_CLASS_EACH = (
    "No image has several classes. In a table they are separated by ; as in cat;dog."
)


def load_folder(
    path,
    held_out: HeldOut | None = USUAL,
    *,
    on_bad: str = "stop",
    label_pattern: str | None = None,
    grey_range=None,
    follow_links: bool = False,
    multi_label: bool = False,
    lost: Mapping | None = None,
) -> ImageDataset:
    """Read a folder of class folders, with or without split folders above them.

    Headers and endings are read, pixels are not, unless bad files are to be
    skipped: which these are must not change while a run resumes.

    Args:
        path: The folder, or a table of files and labels.
        held_out: What is held out for missing splits; `None` takes the splits
            that are there.
        on_bad: "stop" at files that are not usable images, or "skip" them.
        label_pattern: As for `load_dataset`.
        grey_range: As for `load_dataset`.
        follow_links: As for `load_dataset`.
        multi_label: As for `load_dataset`.
        lost: As for `load_dataset`.

    Raises:
        DataError: If files or classes are not as they must be. All are listed.
    """
    if on_bad not in ("stop", "skip"):
        raise UsageError(f"`on_bad` must be 'stop' or 'skip'. Received: {on_bad!r}.")
    path = Path(path)
    listing = list_source(
        path, held_out is not None, label_pattern, follow_links, multi_label
    )
    looks = look_at_all(listing, decode=on_bad == "skip", grey_range=grey_range)
    lost, bad = lost or {}, unusable(looks)
    gone = [p for p in lost if p not in looks or (p in bad and on_bad == "skip")]
    bad = {path: reason for path, reason in bad.items() if path not in gone}
    if bad and on_bad == "stop":
        raise bad_images(path, bad, len(looks))
    usable = listing.without({*bad, *gone})
    if multi_label:
        usable = with_shared_files(usable)
        has_several = max(_classes_of_files(usable).values(), default=0) > 1
    listing = usable.with_lost(lost, gone)
    problems = problems_to_train(listing, held_out) if held_out else no_images(listing)
    if problems:
        raise DataError(f"{printable(path)} cannot be used:\n{shorten(problems)}")
    if held_out:
        splits, notes = splits_to_train(listing, held_out, grey_range)
        lines = summarize(on_set(usable, looks, grey_range, MAX_READ))
        notes += tuple(as_note(line) for line in lines)
    else:
        splits, notes = file_splits(listing, grey_range), ()
    if multi_label and not has_several:
        notes = (ONE_CLASS_EACH, *notes)
    if gone:
        names = shorten(printable(listing.root / path) for path in gone)
        notes = (f"Images that others of their class stand for:\n{names}", *notes)
    if bad:
        notes = (f"Images that cannot be used, left out: {len(bad)}.", *notes)
    name = path.resolve().name if path.is_dir() else path.stem
    return ImageDataset(
        name=printable(name),
        class_names=listing.class_names,
        splits=splits,
        notes=listing.notes + notes,
        skipped=tuple((printable(listing.root / p), bad[p]) for p in bad),
    )


def _classes_of_files(listing) -> Counter:
    """Count the classes of each file."""
    return Counter(
        path
        for classes in listing.splits.values()
        for name, files in classes.items()
        if name != NO_CLASS
        for path in files
    )


def bad_images(path, bad: Mapping, count: int) -> DataError:
    """Return the error that lists images which cannot be used.

    Args:
        path: The folder.
        bad: Path below it -> reason.
        count: Of all its images.
    """
    return DataError(
        f"{len(bad)} of {count} images in {printable(path)} cannot be used:\n"
        + shorten(f"{printable(p)}: {reason}" for p, reason in bad.items())
        + "\nRepair or remove them, or leave them out with on_bad='skip'."
    )


def no_images(listing) -> list[str]:
    """Report that there are no images, if that is so."""
    return [] if listing.places() else ["There are no images in its class folders."]


def as_note(line) -> str:
    """Put one kind of finding into a sentence; `data check` has the others."""
    first, *_ = line.text.splitlines()
    more = f" ({line.count} in all: see swin-keras data check)" * (line.count > 1)
    return f"{line.kind}: {first}{more}."


def shorten(lines, most: int = 20) -> str:
    """Join lines, indented; after 20 say only how many more there are."""
    lines = list(lines)
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join(f"  {line}" for line in lines[:most] + more)
