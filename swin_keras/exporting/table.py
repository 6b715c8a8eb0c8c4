"""The checks of an export as a table: on the screen and in its README."""

COLUMNS = (
    "form",
    "MB",
    "logits differ by",
    "SQNR dB",
    "same best class",
    "accuracy",
    "XNNPACK runs",
    "from LiteRT",
    "ms here",
)


def check_rows(checks: dict):
    """Yield the cells of a row for each form, in the order of `COLUMNS`.

    >>> row = next(check_rows({"litert": {"megabytes": 1.5, "difference": 2e-6}}))
    >>> row[:4]
    ('litert', '1.5', '2.0e-06', '')
    """
    for form, check in checks.items():
        yield (
            form,
            _cell(check, "megabytes", "{:.3g}"),
            _cell(check, "difference", "{:.1e}"),
            _cell(check, "sqnr", "{:.1f}"),
            _cell(check, "agreement", "{:.1%}"),
            _cell(check, "accuracy", "{:.2%}"),
            _cell(check, "delegated", "{}"),
            _cell(check, "min_runtime", "{}"),
            _cell(check, "latency_ms", "{:.2f}"),
        )


def as_markdown(checks: dict) -> str:
    """Return the table in Markdown."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *check_rows(checks)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(check, name, pattern):
    return pattern.format(check[name]) if check.get(name) is not None else ""
