"""A benchmark on the screen and as a picture."""

from pathlib import Path

from swin_keras.benchmarking.benchmark import PROFILED, Benchmark
from swin_keras.errors import UsageError
from swin_keras.files import require_new_file

COLUMNS = (
    "file",
    "threads",
    "min ms",
    "median ms",
    "p95 ms",
    "images/s",
    "load ms",
    "memory MB",
)


def timing_rows(result: Benchmark):
    """Yield the cells of a row for each file and number of threads."""
    names = short_names(timing.path for timing in result.timings)
    for timing in result.timings:
        row = timing.to_dict()
        yield (
            names[timing.path],
            f"{timing.threads}",
            f"{row['min_ms']:.2f}",
            f"{row['median_ms']:.2f}",
            f"{row['p95_ms']:.2f}",
            f"{row['images_per_second']:.1f}",
            f"{row['load_ms']:.0f}",
            f"{row['memory_mb']:.0f}",
        )


def profile_rows(profile: dict):
    """Yield `(kind, count, milliseconds, share)` of the slowest operations."""
    total = sum(seconds for _, seconds in profile.values())
    kinds = list(profile.items())
    rest = kinds[PROFILED:]
    if rest:
        count = sum(count for _, (count, _) in rest)
        seconds = sum(seconds for _, (_, seconds) in rest)
        kinds = [*kinds[:PROFILED], (f"{len(rest)} others", (count, seconds))]
    for name, (count, seconds) in kinds:
        yield name, f"{count}", f"{1e3 * seconds:.2f}", f"{seconds / total:.0%}"


def check_picture(path: Path):
    """Refuse a picture that cannot be written, before anything is timed.

    Raises:
        UsageError: If the place is taken, or no folder, or of no known kind.
    """
    from matplotlib.figure import Figure

    require_new_file(path)
    kinds = Figure().canvas.get_supported_filetypes()
    if path.suffix and path.suffix[1:].lower() not in kinds:
        raise UsageError(
            f"`--picture` must end in .{' or .'.join(sorted(kinds))}. Received: {path}."
        )


def draw(result: Benchmark, path: Path):
    """Draw the latency of each file, and what takes the time in LiteRT files.

    Args:
        result: What was measured.
        path: The picture to write.
    """
    from matplotlib.figure import Figure

    rows = 1 + bool(result.profiles)
    figure = Figure(figsize=(9, 3 * rows), layout="constrained")
    axes = figure.subplots(rows, squeeze=False)[:, 0]
    names = short_names(timing.path for timing in result.timings)
    labels = [f"{names[t.path]}, {t.threads}" for t in result.timings]
    medians = [1e3 * timing.median for timing in result.timings]
    upper = [1e3 * (timing.p95 - timing.median) for timing in result.timings]
    lower = [1e3 * (timing.median - timing.minimum) for timing in result.timings]
    axes[0].barh(labels, medians, xerr=[lower, upper], color="#4477aa", capsize=3)
    axes[0].invert_yaxis()
    axes[0].set_xlabel("ms an image: median, from the least to the 95th percentile")
    axes[0].set_title("file, threads", loc="left", fontsize="medium")
    if result.profiles:
        _draw_profiles(axes[1], result.profiles, names)
    figure.savefig(path, dpi=120)


def _draw_profiles(axes, profiles, names):
    kinds = []
    for profile in profiles.values():
        kinds += [kind for kind in list(profile)[:PROFILED] if kind not in kinds]
    left = dict.fromkeys(profiles, 0.0)
    for index, kind in enumerate([*kinds, "others"]):
        widths = [_milliseconds(profile, kind, kinds) for profile in profiles.values()]
        axes.barh(
            [names[path] for path in profiles],
            widths,
            left=list(left.values()),
            label=kind.lower(),
            color=f"C{index % 10}",
            hatch="//" if index >= 10 else None,
        )
        for path, width in zip(profiles, widths, strict=True):
            left[path] += width
    axes.invert_yaxis()
    axes.set_xlabel("ms in operations, each timed alone")
    axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))


def _milliseconds(profile, kind, kinds):
    if kind == "others":
        return 1e3 * sum(s for name, (_, s) in profile.items() if name not in kinds)
    return 1e3 * profile.get(kind, (0, 0.0))[1]


def short_names(paths) -> dict[str, str]:
    """Return the end of each path: as much as tells it from the others.

    >>> list(short_names(["a/digits/model.tflite", "old/digits/model.tflite"]).values())
    ['a/digits/model.tflite', 'old/digits/model.tflite']
    >>> list(short_names(["/a/saved_models/digits/model.tflite"]).values())
    ['digits/model.tflite']
    """
    parts = {path: Path(path).parts for path in paths}
    return {path: _short_name(path, parts) for path in parts}


def _short_name(path, parts):
    own = parts[path]
    others = [those for other, those in parts.items() if other != path]
    keep = 3 if own[-1:] == ("1",) else 2
    while keep < len(own) and any(those[-keep:] == own[-keep:] for those in others):
        keep += 1
    return str(Path(*own[-keep:]))
