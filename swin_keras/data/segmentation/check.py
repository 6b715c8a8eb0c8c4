"""Look over pictures and masks, or outlines, before training does. Changes no file."""

from collections.abc import Callable
from dataclasses import dataclass

from swin_keras.data.check import MAX_READ, on_file
from swin_keras.data.duplicates import same_files
from swin_keras.data.findings import LEVELS, Finding, Report
from swin_keras.data.grey import check_grey_range
from swin_keras.data.segmentation.folder import MaskFolder
from swin_keras.data.split_folders import WHOLE
from swin_keras.data.splitting import USUAL, left_out
from swin_keras.errors import DataError
from swin_keras.files import expanded
from swin_keras.names import printable

RARE = 0.001  # share of the pixels, below which a class is hard to learn


@dataclass(frozen=True)
class MaskReport(Report):
    """What `check_masks` found; `counts` is of the images that show a class.

    Args:
        shares: Split -> class -> share of the pixels that have a class.
        ignored: Split -> share of all pixels that have none.
    """

    shares: dict[str, dict[str, float]]
    ignored: dict[str, float]


def check_masks(
    path,
    *,
    quick: bool = False,
    reduce_zero_label: bool = False,
    grey_range=None,
    follow_links: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> MaskReport:
    """Check every picture and every mask of a folder.

    What is ready here is ready for `load_dataset` with the same arguments.

    Args:
        path: The folder.
        quick: Read the headers of the pictures only, as training does; masks are
            always decoded.
        reduce_zero_label: As for `load_dataset`.
        grey_range: As for `load_dataset`.
        follow_links: As for `load_dataset`.
        progress: Called with `(done, total)` after each pair.

    Raises:
        DataError: If there is no such folder, or it is laid out otherwise.
    """
    from swin_keras.data.segmentation.loading import look_into, problem_to_train

    path = expanded(path)
    if not path.is_dir():
        raise DataError(f"There is no folder {printable(path)} to check.")
    folder = look_into(
        path,
        decode=not quick,
        reduce_zero_label=reduce_zero_label,
        follow_links=follow_links,
        grey_range=check_grey_range(grey_range),
        progress=progress,
    )
    findings = [Finding("error", "unusable", p, d) for p, d in folder.problems.items()]
    if problem := problem_to_train(folder):
        findings.append(Finding("error", "classes", "", problem))
    else:
        findings += held_out_problems(folder)
    for title in folder.titles:
        for image, look in folder.image_looks(title).items():
            findings += on_file(image, look)
    findings += on_folder(folder)
    findings += [Finding("info", "left out", "", note) for note in folder.notes]
    return MaskReport(
        folder=printable(path),
        quick=quick,
        counts=_by_class(folder, folder.images),
        findings=tuple(sorted(findings, key=lambda f: LEVELS.index(f.level))),
        shares=_by_class(folder, lambda title: _shares(folder.pixels(title))),
        ignored={title: _ignored(folder, title) for title in folder.titles},
    )


def held_out_problems(folder: MaskFolder) -> list[Finding]:
    """Report whether there are too few images to hold some out, or no labels."""
    splits = {title: folder.split(title) for title in folder.titles}
    if WHOLE in splits:
        splits = {"train": splits[WHOLE]}
    try:
        USUAL.complete(splits)
    except DataError as error:
        return [Finding("error", "classes", "", str(error))]
    return [
        Finding("warning", "no labels", "", left_out(title, len(split)))
        for title, split in splits.items()
        if title != "train" and split.targets.is_blank
    ]


def on_folder(folder: MaskFolder) -> list[Finding]:
    """Describe what is unusual about the pictures and classes together."""
    findings = []
    for title in folder.titles:
        shares = _shares(folder.pixels(title))
        learns = title in ("train", WHOLE)
        missing = [n for n, s in zip(folder.class_names, shares, strict=True) if s == 0]
        where = "any mask" if title == WHOLE else title
        if missing and len(missing) < len(shares):
            level = "warning" if learns else "info"
            detail = (
                f"{', '.join(map(repr, missing[:5]))}{', ...' * (len(missing) > 5)} "
                f"{'has' if len(missing) == 1 else 'have'} no pixel in {where}: "
                f"{'cannot be learned' if learns else 'cannot be judged'}"
            )
            findings.append(Finding(level, "no pixels", "", detail))
        rare = [
            f"{name!r} ({share:.2g})"
            for name, share in zip(folder.class_names, shares, strict=True)
            if 0 < share < RARE
        ]
        if rare and learns:
            detail = f"of the pixels in {title}, a share of: {', '.join(rare[:5])}"
            findings.append(Finding("info", "rare classes", "", detail))
        if (share := _ignored(folder, title)) > 0.5:
            detail = f"{share:.0%} of the pixels in {title} are ignored"
            findings.append(Finding("warning", "ignored", "", detail))
    findings += [
        Finding("info", "turned masks", image, "its mask is turned upright with it")
        for image in folder.turned
    ]
    return findings + leaks(folder)


def leaks(folder: MaskFolder) -> list[Finding]:
    """Report which pictures are there more than once."""
    places = {image: title for title in folder.titles for image in folder.usable(title)}
    findings = []
    for first, *others in same_files(folder.root, places, MAX_READ):
        detail = f"same bytes as {', '.join(map(printable, others[:3]))}"
        if len({places[path] for path in (first, *others)}) > 1:
            findings.append(
                Finding("warning", "leak", first, f"{detail}, in another split")
            )
        else:
            findings.append(Finding("info", "duplicate", first, detail))
    return findings


def _by_class(folder, figures_of):
    return {
        title: dict(zip(folder.class_names, figures_of(title).tolist(), strict=True))
        for title in folder.titles
    }


def _shares(pixels):
    return pixels / max(pixels.sum(), 1)


def _ignored(folder, title) -> float:
    total = folder.area(title)
    return float(1 - folder.pixels(title).sum() / total) if total else 0.0
