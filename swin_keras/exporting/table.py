"""The checks of an export as a table: on the screen and in its README."""

LEGEND = {
    "differs by": "the largest difference of a logit (of a feature, of a pixel's "
    "probability, of a box's score or place)",
    "rounding noise": "all differences together, as a share of the logits",
    "same answer": "images with the same best class, or the same classes, of those "
    "where rounding alone could not decide it (near ties)",
    "accelerated": "operations that XNNPACK runs, LiteRT's fast code for CPUs, also "
    "those of phones",
    "needs TensorFlow Lite": "the oldest version that runs it; every LiteRT 2.x, as "
    "it is called since, has it",
    "ms an image": "the shortest time, on two threads of the machine that made the "
    "export",
}


def columns(title: str) -> tuple[str, ...]:
    """Return the columns; `title` is that of the task's score."""
    return (
        "form",
        "MB",
        "differs by",
        "rounding noise",
        "same answer",
        title or "score",
        "accelerated",
        "needs TensorFlow Lite",
        "ms an image",
    )


def check_rows(checks: dict):
    """Yield the cells of a row for each form, in the order of `columns`.

    >>> row = next(check_rows({"litert": {"megabytes": 1.5, "difference": 2e-6}}))
    >>> row[:4]
    ('litert', '1.5', '2.0e-06', '')
    """
    for form, check in checks.items():
        yield (
            form,
            _cell(check, "megabytes", "{:.3g}"),
            _cell(check, "difference", "{:.1e}"),
            _noise(check),
            _same_answer(check),
            _cell(check, "score", "{:.2%}"),
            _accelerated(check),
            _cell(check, "min_runtime", "{}"),
            _cell(check, "latency_ms", "{:.2f}"),
        )


def as_markdown(checks: dict, title: str) -> str:
    """Return the table in Markdown; `title` is that of the task's score."""
    names = columns(title)
    rows = [names, ("---",) * len(names), *check_rows(checks)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def noise_share(decibels: float) -> float:
    """Return the share of a signal that its noise has, from their ratio in dB.

    >>> noise_share(40.0)
    0.01
    """
    return 10 ** (-decibels / 20)


def _noise(check) -> str:
    decibels = check.get("sqnr")
    return "" if decibels is None else f"{100 * noise_share(decibels):.2g} %"


def _same_answer(check) -> str:
    share, compared = check.get("agreement"), check.get("compared")
    if compared is None:  # noise instead of images, or a card of an older version
        return _cell(check, "agreement", "{:.1%}")
    ties = check.get("near_ties")
    parts = [f"{round(share * compared)} of {compared}"] if compared else []
    parts += [f"{ties} near tie{'s' * (ties != 1)}"] if ties else []
    return ", ".join(parts)


def _accelerated(check) -> str:
    """Turn "361/361 in 1" into words."""
    text = check.get("delegated") or ""
    share, _, pieces = text.partition(" in ")
    done, _, whole = share.partition("/")
    if not pieces:
        return text
    if done == whole and pieces == "1":
        return f"all {whole}"
    return f"{done} of {whole}, {pieces} pieces"


def _cell(check, name, pattern):
    return pattern.format(check[name]) if check.get(name) is not None else ""
