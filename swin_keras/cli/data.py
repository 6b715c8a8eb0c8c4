"""data check and data extract."""

import json
from pathlib import Path

from swin_keras.cli.console import load_tensorflow, make_table, out
from swin_keras.errors import ResourceError, UsageError
from swin_keras.files import expanded, require_new_file

PASSED_ON = (  # to `check_folder`, as they are
    "quick",
    "label_pattern",
    "grey_range",
    "follow_links",
    "reduce_zero_label",
    "box_format",
    "unlabelled",
    "sheet",
)
MAX_EMPTY = 5  # classes without anything that a table shows


def data(options):
    action = {"check": _check, "extract": _extract}[options.action]
    return action(options[options.action])


def _check(options):
    from swin_keras.data import check_folder, targets_of_folder

    if options.json and not _is_report(Path(options.json)):
        require_new_file(Path(options.json))
    places = [Path(path).resolve() for path in (options.json, options.sheet) if path]
    if len(set(places)) < len(places):
        raise UsageError(
            f"--json and --sheet must differ. Received: {options.json} twice."
        )
    folder = expanded(options.folder)
    task = options.task or ("multi-label" if options.multi_label else None)
    if options.multi_label and task != "multi-label":
        raise UsageError(
            "The task must be named once. Received: --multi-label and --task "
            f"{options.task}."
        )
    targets = {"segment": "masks", "detect": "boxes"}.get(task, "classes")
    if task is None and folder.is_dir():
        targets = targets_of_folder(folder, options.follow_links)
    report = check_folder(
        folder,
        targets=targets,
        multi_label=task == "multi-label",
        **{name: options[name] for name in PASSED_ON},
    )
    if options.json:
        _write(options.json, report.to_json() + "\n")
    out.print(_figures("class", report.counts, str))
    if hasattr(report, "sizes"):
        out.print(_sizes(report.sizes))
        for note in report.notes:
            out.print(note)
    if hasattr(report, "shares"):
        out.print(_figures("share of pixels", report.shares, "{:.2%}".format))
    if report.findings:
        findings = make_table("level", "what", "count", "examples")
        for line in report.summary():
            findings.add_row(line.level, line.kind, str(line.count), line.text)
        out.print(findings)
        if not options.json:
            out.print("every finding: --json FILE")
    out.print("ready to train" if report.ok else "not ready: see the errors above")
    return 0 if report.ok else 3


def _is_report(path):
    """Return whether a file is the report of an earlier check, which may go."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"ok", "counts", "findings"} <= content.keys()


def _sizes(sizes):
    """Return a table of the objects of each class by COCO's sizes."""
    table = make_table("objects", "split", "small", "medium", "large")
    for title, classes in sizes.items():
        for name, counts in classes.items():
            table.add_row(name, title, *map(str, counts.values()))
    return table


def _figures(title, by_split, to_text):
    """Return a table of classes by splits, in the order of the classes."""
    table = make_table(title, *by_split)
    rows = {
        name: [split.get(name, 0) for split in by_split.values()]
        for name in dict.fromkeys(name for split in by_split.values() for name in split)
    }
    empty = [name for name, figures in rows.items() if not any(figures)]
    left_out = set(empty[MAX_EMPTY:])
    for name, figures in rows.items():
        if name not in left_out:
            table.add_row(name, *map(to_text, figures))
    if left_out:
        table.add_row(f"({len(left_out)} more)", *[to_text(0)] * len(by_split))
    return table


def _extract(options):
    load_tensorflow()
    from swin_keras.data import extract, load_dataset

    dataset = load_dataset(options.data, data_dir=options.data_dir)
    files = extract(
        dataset, options.folder, options.count, options.split, options.format
    )
    out.print(f"{len(files)} images in {options.folder}")
    return 0


def _write(path, text):
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as error:
        raise ResourceError(
            f"The report must be written to {path}: {error.strerror}."
        ) from error
