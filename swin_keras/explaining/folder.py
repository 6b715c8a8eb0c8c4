"""A folder of explanations: overlays, raw maps, and a page to look through."""

from pathlib import Path

import jinja2
import numpy as np

from swin_keras.errors import ResourceError, UsageError
from swin_keras.explaining.explain import Explanation
from swin_keras.explaining.methods import METHODS
from swin_keras.explaining.overlay import as_picture
from swin_keras.files import write_text
from swin_keras.names import printable
from swin_keras.report.embedding import image_uri

SIDE = 224  # pixels of a picture in the page
PAGES = Path(__file__).with_name("page")
STYLE = Path(__file__).parents[1] / "report" / "page"


def save_explanations(folder, explanations, title: str) -> Path:
    """Write explanations to a new folder.

    For the first image `001.npz` with the arrays `image`, `names` and `maps`
    `(names, h, w)`, of a detector also `boxes (names, 4)` and of a segmenter `masks`,
    and `001_1.png`, `001_2.png`, ... with each map over the picture; and so on.
    `index.html` shows all and needs no other file; it is written after an error or
    Ctrl-C, too, for those that were explained before.

    Args:
        folder: The folder to make; it may exist if it is empty.
        explanations: What `explain` returned, or one by one what `explanations`
            does.
        title: What was asked, for the page; the methods are told there.

    Returns:
        The page.

    Raises:
        UsageError: If there is something in the folder, or no explanation.
        ResourceError: If it cannot be written.
    """
    folder = require_free(folder)
    try:
        rows, methods = [], {}
        try:
            for number, explanation in enumerate(explanations, start=1):
                folder.mkdir(parents=True, exist_ok=True)
                rows.append(_write(folder, number, explanation))
                methods[explanation.method] = METHODS[explanation.method]
        finally:
            if rows:
                write_text(folder / "index.html", _page(title, methods, rows))
    except OSError as error:
        raise ResourceError(
            f"{folder} cannot be written ({error.strerror or error})."
        ) from error
    if not rows:
        raise UsageError("There must be an explanation to save. Received none.")
    return folder / "index.html"


def require_free(folder) -> Path:
    """Refuse a folder with something in it.

    Raises:
        UsageError: If it is not a new or empty folder.
    """
    folder = Path(folder)
    is_folder = folder.is_dir()
    if (is_folder and any(folder.iterdir())) or (folder.exists() and not is_folder):
        raise UsageError(
            "The folder for explanations must be new or empty, so that nothing of "
            f"yours is replaced. Received: {folder}."
        )
    return folder


def _write(folder, number, explanation: Explanation) -> dict:
    """Write the files of one image; return what the page shows of it."""
    row = {"name": printable(explanation.path), "error": explanation.error}
    if explanation.error:
        return row
    stem = f"{number:03}"
    np.savez_compressed(folder / f"{stem}.npz", **_arrays(explanation))
    shown = []
    for place, (name, values) in enumerate(explanation.maps.items(), start=1):
        picture = explanation.overlay(name)
        picture.save(folder / f"{stem}_{place}.png")
        span = f"{values.min():.2g} to {values.max():.2g}"
        shown.append((printable(name), image_uri(picture, SIDE), span))
    return row | {
        "picture": image_uri(as_picture(explanation.image), SIDE),
        "answers": printable(", ".join(explanation.answers)),
        "maps": shown,
        "note": printable(explanation.note or ""),
        "file": f"{stem}.npz",
    }


def _arrays(explanation) -> dict:
    """Return what is kept of an explanation, as arrays."""
    maps, targets = explanation.maps, explanation.targets.values()
    arrays = {"image": explanation.image, "names": np.array(list(maps), str)}
    if maps:
        arrays["maps"] = np.stack(list(maps.values())).astype("float32")
    for name, values in (
        ("boxes", [target.box for target in targets if target.box is not None]),
        ("masks", [target.mask for target in targets if target.mask is not None]),
    ):
        if values:
            arrays[name] = np.array(values)
    return arrays


def _page(title, methods, rows) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([PAGES, STYLE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("explanations.html")
    return template.render(title=title, rows=rows, methods=methods)
