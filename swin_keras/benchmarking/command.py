"""What `swin-keras benchmark` shows."""

import json
from pathlib import Path

from swin_keras.benchmarking.benchmark import benchmark
from swin_keras.benchmarking.show import (
    COLUMNS,
    draw,
    profile_rows,
    short_name,
    timing_rows,
)
from swin_keras.errors import ResourceError, UsageError


def run(options, out, make_table) -> int:
    """Benchmark and show; see `benchmark`.

    Args:
        options: The parsed options.
        out: The console to print to.
        make_table: A function from columns to an empty table.
    """
    if options.seconds <= 0 or min(options.threads) < 1:
        raise UsageError(
            "--seconds must be above 0 and --threads at least 1. Received: "
            f"{options.seconds}, {options.threads}."
        )
    models = [*options.model, *([options.vs] if options.vs else [])]
    result = benchmark(*models, threads=options.threads, seconds=options.seconds)
    try:
        if options.picture:
            draw(result, Path(options.picture))
    except (OSError, ValueError) as error:
        raise ResourceError(f"The picture cannot be written: {error}.") from error
    if options.json:
        print(json.dumps(result.to_dict(), indent=2))
        return 0
    table = make_table(*COLUMNS)
    for row in timing_rows(result):
        table.add_row(*row)
    out.print(table)
    for path, profile in result.profiles.items():
        table = make_table(f"{short_name(path)}", "count", "ms alone", "share")
        for row in profile_rows(profile):
            table.add_row(*row)
        out.print(table)
    if options.vs:
        out.print(_comparison(result, options))
    return 0


def _comparison(result, options) -> str:
    """Say how many times as long as the other the first model takes."""
    lines = []
    for threads in options.threads:
        timings = [t for t in result.timings if t.threads == threads]
        ratio = timings[0].minimum / timings[-1].minimum
        lines.append(
            f"{threads} threads: {short_name(timings[0].path)} takes {ratio:.2f} x the "
            f"time of {short_name(timings[-1].path)}"
        )
    return "\n".join(lines)
