"""How files are damaged: their bytes, or what stands in them."""

import functools
import gzip
import io
import json
import zipfile

import yaml
from checkpoint_attacks import mutate

HOSTILE = [
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63,
    10**400,
    -(10**30),
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x" * 5000,
    "../../x",
    "/etc/passwd",
    "a\nb",
    "\x1b[2J",
    "\ud800",
    "%s%n",
    [],
    {},
    [[]],
    [0] * 1000,
    {"a": {"b": []}},
    [None],
    "auto",
    functools.reduce(lambda x, _: [x], range(300), 1),
    [1, 2, 3],
    "digits",
    0.5,
]
CELLS = ["", "..", "/etc/passwd", '"', "\0", "x" * 9000, "é", "cat;dog", "\x1b[2J"]


def damaged_json(data: bytes, rng) -> bytes:
    """Put a hostile value in the place of one of those in a JSON or YAML text."""
    if rng.integers(5) == 0:
        return mutate(data, rng)
    values = yaml.safe_load(data)
    places = list(_places(values))
    parent, key = places[rng.integers(len(places))]
    what = rng.integers(4)
    value = HOSTILE[rng.integers(len(HOSTILE))]
    if what == 0 and isinstance(parent, dict):
        parent[str(value)[:300]] = parent.pop(key)
    elif what == 1 and isinstance(parent, list):
        parent.append(value)
    else:
        parent[key] = value
    return json.dumps(values).encode("utf-8", "surrogatepass")


def _places(value):
    """Yield each `(parent, key)` in a JSON value."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in list(items):
            yield value, key
            yield from _places(part)


def damaged_zip(data: bytes, rng) -> bytes:
    """Damage one member of a zip, and give it the right checksum; or the zip."""
    if rng.integers(4) == 0:
        return mutate(data, rng)
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(stream, "w") as new,
    ):
        names = old.namelist()
        chosen = names[rng.integers(len(names))]
        for name in names:
            content = old.read(name)
            if name == chosen:
                damage = damaged_json if name.endswith(".json") else mutate
                content = damage(content, rng)
            new.writestr(name, content)
    return stream.getvalue()


def damaged_gzip(data: bytes, rng) -> bytes:
    """Damage what a .gz holds, and give it the right checksum; or the .gz."""
    if data[:2] != b"\x1f\x8b" or rng.integers(2):
        return mutate(data, rng)
    return gzip.compress(mutate(gzip.decompress(data), rng), mtime=0)


def damaged_table(data: bytes, rng) -> bytes:
    """Damage a table: a line, a cell, its separators or its bytes."""
    lines = data.decode().splitlines()
    number = rng.integers(len(lines))
    cells = lines[number].split(",")
    word = CELLS[rng.integers(len(CELLS))]
    match rng.integers(6):
        case 0:
            return mutate(data, rng)
        case 1:
            del lines[number]
        case 2:
            lines.insert(number, lines[rng.integers(len(lines))])
        case 3:
            lines[number] = word.join(cells)
        case 4:
            lines[number] = ",".join([*cells, word])
        case _:
            cells[rng.integers(len(cells))] = word
            lines[number] = ",".join(cells)
    return "\n".join(lines).encode()
