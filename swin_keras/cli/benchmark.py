"""What `swin-keras benchmark` shows."""

from pathlib import Path

from swin_keras.benchmarking.benchmark import benchmark, forms
from swin_keras.cli.benchmark_table import (
    COLUMNS,
    check_picture,
    draw,
    profile_rows,
    short_names,
    timing_rows,
)
from swin_keras.errors import ResourceError, UsageError
from swin_keras.files import expanded, to_json


def run(options, out, make_table) -> int:
    """Benchmark and show; see `benchmark`.

    Args:
        options: The parsed options.
        out: The console to print to.
        make_table: A function from columns to an empty table.
    """
    picture = options.picture and expanded(options.picture)
    if picture:
        check_picture(picture)
    pairs = _pairs(options.model, options.vs) if options.vs else []
    models = [*options.model, *([options.vs] if options.vs else [])]
    result = benchmark(
        *models, threads=options.threads, seconds=options.seconds, trust=options.trust
    )
    compared = list(_compared(result, pairs))
    if options.json:
        beside = {"comparisons": compared} if pairs else {}
        print(to_json(result.to_dict() | beside))
    else:
        _show(result, out, make_table)
        for line in _in_words(compared, result):
            out.print(line)
    try:
        if picture:
            draw(result, picture)
    except (OSError, ValueError) as error:
        raise ResourceError(f"The picture cannot be written: {error}.") from error
    return 0


def _show(result, out, make_table):
    table = make_table(*COLUMNS)
    for row in timing_rows(result):
        table.add_row(*row)
    out.print(table)
    names = short_names(timing.path for timing in result.timings)
    for path, profile in result.profiles.items():
        table = make_table(names[path], "count", "ms alone", "share")
        for row in profile_rows(profile):
            table.add_row(*row)
        out.print(table)


def _pairs(models, other) -> list[tuple[Path, Path]]:
    """Match each file with the other one, or with its namesake in a folder."""
    theirs = forms(other)
    pairs = []
    for model in models:
        ours = forms(model)
        are_files = len(ours) == len(theirs) == 1
        pairs += [(a, b) for a in ours for b in theirs if are_files or a.name == b.name]
    if not pairs:
        raise UsageError(
            "--vs compares two files, or files of the same name in two folders. "
            f"Received: {', '.join(models)} and {other}."
        )
    return pairs


def _compared(result, pairs):
    """Yield how many times as long as the other each file takes."""
    least = {(t.path, t.threads): t.minimum for t in result.timings}
    for threads in sorted({timing.threads for timing in result.timings}):
        for one, other in pairs:
            ratio = least[str(one), threads] / least[str(other), threads]
            of_both = {"path": str(one), "vs": str(other), "threads": threads}
            yield of_both | {"times_as_long": ratio}


def _in_words(compared, result):
    names = short_names(timing.path for timing in result.timings)
    for one in compared:
        yield (
            f"threads {one['threads']}: {names[one['path']]} takes "
            f"{one['times_as_long']:.2f} x the time of {names[one['vs']]}"
        )
