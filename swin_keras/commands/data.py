"""data check and data extract."""

from pathlib import Path

from swin_keras.commands.console import load_tensorflow, make_table, out


def data(options):
    action = {"check": _check, "extract": _extract}[options.action]
    return action(options[options.action])


def _check(options):
    from swin_keras.data import check_folder

    report = check_folder(options.folder, quick=options.quick)
    if options.json:
        Path(options.json).write_text(report.to_json() + "\n", "utf-8")
    counts = make_table("class", *report.counts)
    for name in sorted({name for split in report.counts.values() for name in split}):
        numbers = [str(split.get(name, 0)) for split in report.counts.values()]
        counts.add_row(name, *numbers)
    out.print(counts)
    if report.findings:
        findings = make_table("level", "what", "file", "detail")
        for row in report.rows():
            findings.add_row(*row)
        out.print(findings)
    out.print("ready to train" if report.ok else "not ready: see the errors above")
    return 0 if report.ok else 3


def _extract(options):
    load_tensorflow()
    from swin_keras.data import extract, load_dataset

    dataset = load_dataset(options.data, data_dir=options.data_dir)
    files = extract(
        dataset, options.folder, options.count, options.split, options.format
    )
    out.print(f"{len(files)} images in {options.folder}")
    return 0
