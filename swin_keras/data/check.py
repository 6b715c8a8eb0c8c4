"""Look over a folder of images before training does. Changes no file."""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from swin_keras.data.folder import bad_headers
from swin_keras.data.image_io import (
    ImageError,
    decode_image,
    is_animated,
    open_image,
    orientation,
    without_pillow_warnings,
)
from swin_keras.data.listing import WHOLE, Listing, list_folder, structure_problems
from swin_keras.errors import DataError

LEVELS = ("error", "warning", "info")
UNBALANCED = 0.8  # share of the largest class that is worth a warning
FORMATS = {
    ".jpg": ("JPEG", "MPO"),
    ".jpeg": ("JPEG", "MPO"),
    ".png": ("PNG",),
    ".bmp": ("BMP", "DIB"),
    ".gif": ("GIF",),
    ".webp": ("WEBP",),
}


@dataclass(frozen=True)
class Finding:
    """One thing to know about a folder.

    Args:
        level: "error" (training will not run), "warning" or "info".
        kind: A word or two for its kind: "unreadable", "leak".
        path: The file, below the folder; "" for the folder itself.
        detail: What is there, in a sentence.
    """

    level: str
    kind: str
    path: str
    detail: str


@dataclass(frozen=True)
class Report:
    """What `check_folder` found.

    Args:
        folder: The folder.
        quick: Whether only the headers were read.
        counts: Split -> class -> number of images, bad ones among them.
        findings: Errors first.
    """

    folder: str
    quick: bool
    counts: dict[str, dict[str, int]]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether training can run."""
        return not self.rows("error")

    def rows(self, *levels: str) -> list[tuple[str, str, str, str]]:
        """Return `(level, kind, path, detail)` of each finding of some levels."""
        return [
            (finding.level, finding.kind, finding.path, finding.detail)
            for finding in self.findings
            if finding.level in (levels or LEVELS)
        ]

    def to_json(self) -> str:
        """Return the whole report as JSON."""
        return json.dumps({"ok": self.ok, **asdict(self)}, indent=2)


def check_folder(
    path,
    *,
    quick: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Check every image of a folder and the folder itself.

    Args:
        path: A folder that `load_dataset` takes.
        quick: Read the headers only, as training does before it begins.
        progress: Called with `(done, total)` after each image.

    Raises:
        DataError: If there is no such folder, or no class folders in it.
    """
    if not Path(path).is_dir():
        raise DataError(f"There is no folder {path} to check.")
    listing = list_folder(Path(path))
    if quick:
        bad = bad_headers(listing)
        findings = [Finding("error", "unreadable", *item) for item in bad.items()]
    else:
        findings = check_images(listing, progress)
        bad = {f.path for f in findings if f.level == "error"}
    findings += check_classes(listing.without(bad))
    return Report(
        folder=str(path),
        quick=quick,
        counts={
            title: {name: len(paths) for name, paths in sorted(classes.items())}
            for title, classes in listing.splits.items()
        },
        findings=tuple(sorted(findings, key=lambda f: LEVELS.index(f.level))),
    )


def check_images(listing: Listing, progress=None) -> list[Finding]:
    """Decode every image, on all cores, and compare their bytes."""
    places = listing.places()
    findings, same = [], defaultdict(list)
    with without_pillow_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        checked = pool.map(lambda path: check_image(listing.root, path), places)
        for done, (path, (digest, found)) in enumerate(
            zip(places, checked, strict=True), start=1
        ):
            same[digest].append(path)
            findings += found
            if progress:
                progress(done, len(places))
    for digest, paths in same.items():
        if digest and len(paths) > 1:
            findings.append(compare_places(paths, places))
    return findings


def check_image(root: Path, path: str) -> tuple[str, list[Finding]]:
    """Return a digest of the file, "" for a bad one, and what there is to say."""
    try:
        data = (root / path).read_bytes()
        with open_image(data, path) as image:
            findings = check_header(image, path)
        decode_image(data, name=path)
    except ImageError as error:
        return "", [Finding("error", "unreadable", path, error.reason)]
    except OSError as error:
        return "", [Finding("error", "unreadable", path, str(error.strerror))]
    return hashlib.sha256(data).hexdigest(), findings


def check_header(image, path: str) -> list[Finding]:
    """Say what is unusual about an image that can be used."""
    findings = []
    suffix = Path(path).suffix.lower()
    if image.format not in FORMATS[suffix]:
        detail = f"holds {image.format}; it is read all the same"
        findings.append(Finding("warning", "wrong extension", path, detail))
    if (turn := orientation(image)) != 1:
        detail = f"EXIF orientation {turn}; it is turned upright"
        findings.append(Finding("info", "rotated", path, detail))
    if is_animated(image):
        detail = "only the first frame is used"
        findings.append(Finding("info", "animated", path, detail))
    return findings


def compare_places(paths: list[str], places) -> Finding:
    """Say how bad it is that these files hold the same bytes."""
    titles, names = (
        set(values) for values in zip(*map(places.get, paths), strict=True)
    )
    first, *others = paths
    detail = f"same bytes as {', '.join(others[:3])}" + " ..." * (len(others) > 3)
    if len(names) > 1:
        return Finding("warning", "two classes", first, detail)
    if len(titles) > 1:
        return Finding("warning", "leak", first, f"{detail}, in another split")
    if titles == {WHOLE}:
        return Finding("warning", "duplicate", first, f"{detail}; may be split apart")
    return Finding("info", "duplicate", first, detail)


def check_classes(listing: Listing) -> list[Finding]:
    """Say what is wrong with the classes and what was left out."""
    findings = [
        Finding("error", "classes", "", text) for text in structure_problems(listing)
    ]
    findings += [Finding("info", "left out", "", note) for note in listing.notes]
    for title, classes in listing.splits.items():
        total = sum(map(len, classes.values()))
        name = max(classes, key=lambda name: len(classes[name]))
        if len(classes) > 1 and total and len(classes[name]) >= UNBALANCED * total:
            share = f"class {name!r} is {len(classes[name]) / total:.0%} of {title}"
            detail = f"{share}; judge by balanced accuracy"
            findings.append(Finding("warning", "unbalanced", "", detail))
    return findings
