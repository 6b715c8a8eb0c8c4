"""What a look over a folder found: one finding a file, one line a kind."""

import json
from dataclasses import asdict, dataclass
from typing import NamedTuple

from swin_keras.data.walk import EXAMPLES
from swin_keras.names import printable

MAX_DETAILS = 20  # of findings that are about the folder itself
LEVELS = ("error", "warning", "info")


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


class Line(NamedTuple):
    """All findings of one kind.

    Args:
        level: As in `Finding`.
        kind: As in `Finding`.
        count: How many there are.
        text: Three files of them with details, or twenty details alone.
    """

    level: str
    kind: str
    count: int
    text: str


@dataclass(frozen=True)
class Report:
    """What `check_folder` found of classes.

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

    def summary(self) -> list[Line]:
        """Return one line for each kind of finding, errors first."""
        return summarize(self.findings)

    def to_json(self) -> str:
        """Return the whole report, each finding of it, as JSON."""
        return json.dumps({"ok": self.ok, **asdict(self)}, indent=2)


def summarize(findings) -> list[Line]:
    """Return one line for each kind of finding, in the order of their levels."""
    groups = {}
    for finding in sorted(findings, key=lambda f: LEVELS.index(f.level)):
        groups.setdefault((finding.level, finding.kind), []).append(finding)
    return [
        Line(level, kind, len(found), _text(found))
        for (level, kind), found in groups.items()
    ]


def _text(found):
    most = EXAMPLES if found[0].path else MAX_DETAILS
    shown = [
        f"{printable(f.path)}: {f.detail}" if f.path else f.detail for f in found[:most]
    ]
    more = len(found) - len(shown)
    return "\n".join(shown + [f"... and {more} more"] * (more > 0))
