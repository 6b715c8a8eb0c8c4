"""Files of annotations, which come from anywhere: bounded, and read as data only."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import yaml

from swin_keras.data.boxes.records import unusable
from swin_keras.data.image_file import open_file
from swin_keras.data.split_folders import title_of
from swin_keras.data.walk import (
    OUTSIDE,
    SYSTEM,
    examples,
    is_below,
    is_ours,
    is_visible,
    lineage,
)
from swin_keras.errors import DataError
from swin_keras.names import printable

MAX_JSON = 2**29  # bytes; COCO's train2017 has 470 million
MAX_TEXT = 2**24  # of a list of files or of one picture's labels
MAX_YAML = 2**18
MAX_VALUES = 20_000  # in YAML
DEEPEST = 32  # elements within elements; VOC has four
ROOMS = ("images", "labels", "annotations", "jpegimages", "imagesets")
ENDINGS = (".json", ".xml", ".txt", ".yaml", ".yml", ".names")


def is_part(folder: str) -> bool:
    """Return whether a name is that of a part of a data set: "train2017", "labels"."""
    name = folder.lower().rstrip("0123456789_-")
    return name in ROOMS or title_of(name) is not None


def annotation_files(root, follow_links: bool = False):
    """Return what may hold annotations at any depth, and a note on links left out.

    Args:
        root: The folder.
        follow_links: Whether links may lead out of it anywhere, and not only in the
            place of a part of a data set; see `is_part`.

    Returns:
        Sorted paths below `root`, and a list of at most one note.
    """
    outside = []
    found, inside, seen = [], {os.path.realpath(root)}, set()
    above = set(lineage(os.path.realpath(root)))
    waiting = [os.fspath(root)]
    while waiting:
        for folder, folders, files in os.walk(waiting.pop(), followlinks=follow_links):
            target = os.path.realpath(folder)
            is_elsewhere = os.path.islink(folder) and Path(folder) != Path(root)
            leads_up = is_elsewhere and (target in above or is_below(target, SYSTEM))
            if target in seen or leads_up:
                folders.clear()
                continue
            seen.add(target)
            inside.add(target)  # also where a link led
            folders[:] = [
                name
                for name in folders
                if is_visible(name) and not is_ours(os.path.join(folder, name))
            ]
            if not follow_links:  # `walk` enters no link then
                parts = [os.path.join(folder, n) for n in folders if is_part(n)]
                waiting += filter(os.path.islink, parts)
            for name in filter(is_visible, files):
                if not name.lower().endswith(ENDINGS):
                    continue
                path = os.path.join(folder, name)
                is_inside = follow_links or is_below(os.path.realpath(path), inside)
                of_kind = found if is_inside else outside
                of_kind.append(Path(path).relative_to(root).as_posix())
    notes = [
        f"Annotations left out, which are {OUTSIDE}: "
        f"{len(outside)} ({examples(outside)})."
    ]
    return sorted(found), notes * bool(outside)


def read_text(path, most: int = MAX_TEXT) -> str:
    """Return a file's text.

    Raises:
        DataError: If it cannot be read, is too large or no text in UTF-8.
    """
    try:
        return _read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unusable(printable(path), "it is not text in UTF-8") from error


def _read_bytes(path, most: int = MAX_TEXT) -> bytes:
    try:
        if os.stat(path).st_size > most:
            raise unusable(printable(path), f"it is larger than {most:,} bytes")
        with open_file(path) as file:
            return file.read(most + 1)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{printable(path)} cannot be read: {reason}.") from error


def read_json(path, most: int = MAX_JSON):
    """Return what a JSON file holds.

    Raises:
        DataError: If it is not JSON, or nested too deep to be read.
    """
    try:
        return json.loads(read_text(path, most))
    except (ValueError, RecursionError) as error:
        reason = printable(_first_line(error))
        raise unusable(printable(path), f"it is not JSON ({reason})") from error


def read_yaml(path):
    """Return what a YAML file holds.

    Raises:
        DataError: If it is not YAML, has aliases, or is nested deep or large.
    """
    text = read_text(path, MAX_YAML)
    try:
        _check_events(yaml.parse(text, yaml.SafeLoader))
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = printable(" ".join(str(error).split())[:200])
        raise unusable(printable(path), f"it is no such YAML ({reason})") from error


def _check_events(events):
    """Refuse YAML that takes long to read, before it is read as a whole."""
    depth = 0
    for count, event in enumerate(events):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases are not taken")
        if depth > DEEPEST:
            raise ValueError(f"values stand within more than {DEEPEST} others")
        if count > MAX_VALUES:
            raise ValueError(f"it holds more than {MAX_VALUES:,} values")


def read_xml(path) -> Element:
    """Return the root element of an XML file.

    Text in UTF-8 is read as such, whatever it declares; other text as it declares.

    Raises:
        DataError: If it is not XML, nested deeper than annotations are, or declares a
            document type: entities could stand for other files or for billions of
            letters.
    """
    builder, depth = TreeBuilder(), 0

    def start(name, attributes):
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"elements stand within more than {DEEPEST} others")
        builder.start(name, attributes)

    def end(name):
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse(*_):
        raise ValueError("it declares a document type, which annotations do not need")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    content = _read_bytes(path)
    with suppress(UnicodeDecodeError):
        content = content.decode("utf-8-sig")
    try:
        parser.Parse(content, True)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError, AssertionError) as error:
        reason = printable(_first_line(error))
        raise unusable(printable(path), f"it is no such XML ({reason})") from error


def lines_of(path) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line of a file that is not empty."""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
