"""Look over images of classes before training does. Changes no file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from swin_keras.data import grey
from swin_keras.data.duplicates import same_files
from swin_keras.data.findings import LEVELS, Finding, Report
from swin_keras.data.image_file import FORMATS_OF
from swin_keras.data.inspection import Look, look_at_all, look_into, unusable
from swin_keras.data.listing import (
    NO_CLASS,
    UNLABELLED,
    Listing,
    list_source,
    list_unlabelled,
    with_shared_files,
)
from swin_keras.data.readiness import problems_to_train
from swin_keras.data.split_folders import WHOLE
from swin_keras.data.splitting import left_out
from swin_keras.errors import DataError
from swin_keras.files import expanded
from swin_keras.names import printable

UNBALANCED = 0.8  # share of the largest class that is worth a warning
TIMES = 10  # as many images in the largest class as in the smallest: the same
SMALL = 32  # pixels a side, of an image and of the smallest input of a variant
DARK = 24  # the brightest value of a picture that shows nothing; 12 bits in 16 have 15
MAX_READ = 2**28  # bytes that training reads in search of duplicates
LABELLED = "the same file as {}; if that is in val or test, this one is left out"
DEEP_LOOKS = 16  # grey images of more than 8 bits that training looks into


def check_classes(
    path,
    *,
    quick: bool = False,
    label_pattern: str | None = None,
    grey_range=None,
    follow_links: bool = False,
    multi_label: bool = False,
    unlabelled=None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Check every image of a folder of classes, or a table, and the folder itself.

    What is ready here is ready for `load_dataset` with the same arguments.

    Args:
        path: A folder or a table that `load_dataset` takes.
        quick: Read the headers only, as training does before it begins.
        label_pattern: As for `load_dataset`.
        grey_range: As for `load_dataset`.
        follow_links: As for `load_dataset`.
        multi_label: As for `load_dataset`.
        unlabelled: A folder of images without labels that a teacher is to answer
            about, or `None`.
        progress: Called with `(done, total)` after each image.

    Raises:
        DataError: If there is no such folder, or no class folders in it.
    """
    path = expanded(path)
    if not path.exists():
        raise DataError(f"There is no folder {printable(path)} to check.")
    grey_range = grey.check_grey_range(grey_range)
    listing = list_source(
        path,
        label_pattern=label_pattern,
        follow_links=follow_links,
        multi_label=multi_label,
    )
    looks = look_at_all(
        listing, decode=not quick, grey_range=grey_range, progress=progress
    )
    bad = unusable(looks)
    good = listing.without(bad)
    if multi_label:
        good = with_shared_files(good)
    findings = [Finding("error", "unreadable", *item) for item in bad.items()]
    findings += [Finding("error", "classes", "", p) for p in problems_to_train(good)]
    findings += [
        f for p, look in looks.items() if p not in bad for f in on_file(p, look)
    ]
    findings += on_set(good, looks, grey_range)
    findings += blank_splits(good)
    for note in listing.notes:
        kind = "left out" if "left out" in note else "folders"
        findings.append(Finding("info", kind, "", note))
    for note in good.notes[len(listing.notes) :]:
        findings.append(Finding("info", "duplicate", "", note))
    counts = {
        title: {name or "(none)": len(paths) for name, paths in sorted(classes.items())}
        for title, classes in listing.splits.items()
    }
    if unlabelled is not None:
        loose = list_unlabelled(unlabelled, follow_links)
        counts[UNLABELLED] = {"(none)": len(loose.places())}
        findings += on_unlabelled(loose, good, quick, grey_range)
    return Report(
        folder=printable(path),
        quick=quick,
        counts=counts,
        findings=tuple(sorted(findings, key=lambda f: LEVELS.index(f.level))),
    )


def on_unlabelled(
    loose: Listing, labelled: Listing, quick: bool = False, grey_range=None
) -> list[Finding]:
    """Describe what is unusual about images without labels.

    Args:
        loose: Those images.
        labelled: The images with labels that can be used.
        quick: As for `check_classes`.
        grey_range: As for `check_classes`.
    """
    root = loose.root
    if not loose.places():
        return [Finding("error", "unlabelled", "", f"no image in {printable(root)}")]
    looks = look_at_all(loose, decode=not quick, grey_range=grey_range)
    bad = unusable(looks)
    findings = [Finding("error", "unreadable", str(root / p), bad[p]) for p in bad]
    good = {str(root / path): look for path, look in looks.items() if path not in bad}
    for path, look in good.items():
        findings += on_file(path, look)
    known = {str(labelled.root / path) for path in labelled.places()}
    for same in same_files(Path(), dict.fromkeys([*good, *known])):
        twins = known.intersection(same)
        findings += [
            Finding("info", "has a label", path, LABELLED.format(printable(min(twins))))
            for path in same
            if twins and path in good
        ]
    return findings


def on_file(path: str, look: Look) -> list[Finding]:
    """Describe what is unusual about an image that can be used."""
    findings = []
    expected = FORMATS_OF.get(Path(path).suffix.lower())
    if expected and look.format not in expected:
        detail = f"holds {look.format}; it is read all the same"
        findings.append(Finding("warning", "wrong extension", path, detail))
    if look.brightest is not None and look.brightest < DARK:
        detail = f"no value above {look.brightest} of 255"
        findings.append(Finding("warning", "nearly black", path, detail))
    if look.orientation != 1:
        detail = f"EXIF orientation {look.orientation}; it is turned upright"
        findings.append(Finding("info", "rotated", path, detail))
    if look.is_animated:
        detail = "only the first frame is used"
        findings.append(Finding("info", "animated", path, detail))
    return findings


def on_set(
    listing: Listing, looks: dict[str, Look], grey_range=None, max_read=None
) -> list[Finding]:
    """Describe what is unusual about the images and classes together.

    Args:
        listing: The images that can be used.
        looks: What was found of each.
        grey_range: What they will be read with.
        max_read: Bytes that may be read to compare files.
    """
    places = listing.places()
    groups = same_files(listing.root, places, max_read)
    findings = [compare_places(paths, places) for paths in groups]
    findings += balance(listing)
    for path in places:
        if min(looks[path].size) < SMALL:
            width, height = looks[path].size
            detail = f"{width} x {height} pixels; it is enlarged"
            findings.append(Finding("info", "small", path, detail))
    if not grey_range:
        findings += deep_greys(listing, looks)
    return findings


def compare_places(paths: list[str], places) -> Finding:
    """Rate how bad it is that these files hold the same bytes."""
    titles, names = (
        set(values) for values in zip(*map(places.get, paths), strict=True)
    )
    first, *others = paths
    shown = ", ".join(map(printable, others[:3]))
    detail = f"same bytes as {shown}" + " ..." * (len(others) > 3)
    if len(names) > 1:
        detail += "; if images may have several, say --multi-label"
        return Finding("warning", "two classes", first, detail)
    if len(titles) > 1:
        return Finding("warning", "leak", first, f"{detail}, in another split")
    if titles == {WHOLE}:
        return Finding("warning", "duplicate", first, f"{detail}; may be split apart")
    return Finding("info", "duplicate", first, detail)


def balance(listing: Listing) -> list[Finding]:
    """Report classes that drown the others."""
    findings = []
    for title, classes in listing.splits.items():
        counts = {
            name: len(paths)
            for name, paths in classes.items()
            if paths and name != NO_CLASS
        }
        if len(counts) < 2:
            continue
        most, least = max(counts, key=counts.get), min(counts, key=counts.get)
        share = counts[most] / sum(counts.values())
        if share >= UNBALANCED:
            detail = f"class {most!r} is {share:.0%} of {title}"
        elif counts[most] >= TIMES * counts[least]:
            detail = (
                f"class {most!r} has {counts[most]} images in {title}, "
                f"{least!r} has {counts[least]}"
            )
        else:
            continue
        detail += "; judge by balanced accuracy"
        findings.append(Finding("warning", "unbalanced", "", detail))
    return findings


def blank_splits(listing: Listing) -> list[Finding]:
    """Report splits for judging whose images have no label at all."""
    return [
        Finding("warning", "no labels", "", left_out(title, len(classes[NO_CLASS])))
        for title, classes in listing.splits.items()
        if title in ("val", "test") and set(filter(classes.get, classes)) == {NO_CLASS}
    ]


def deep_greys(listing: Listing, looks: dict[str, Look]) -> list[Finding]:
    """Report the range of grey images of more than 8 bits, if it is not the usual."""
    deep = [path for path in listing.places() if grey.is_deep(looks[path].mode)]
    values = [looks[path].values for path in deep if looks[path].values]
    if deep and not values:  # only the headers were read
        chosen = np.linspace(0, len(deep) - 1, DEEP_LOOKS, dtype=int)
        files = [str(listing.root / deep[index]) for index in sorted(set(chosen))]
        values = [look.values for look in map(look_into, files) if look.values]
    if not values:
        return []
    advice = grey.advice(min(v[0] for v in values), max(v[1] for v in values))
    if not advice:
        return []
    detail = f"{len(deep)} images of 16 bits hold {advice}"
    return [Finding("warning", "grey range", deep[0], detail)]
