"""The reference page of the command line, from its parser."""

import argparse
import re


def page() -> str:
    """Return the page, as Markdown."""
    from swin_keras.cli.parser import make_parser

    parts = [
        "# Command line",
        "`swin-keras COMMAND --help` prints the same. An option can be written "
        "`--batch-size 64` or `--batch-size=64`. Errors are one sentence each; "
        "`swin-keras --debug COMMAND ...` shows where they come from.",
        _exit_codes(),
    ]
    for parser in _commands(make_parser()):
        parts += _command(parser)
    return "\n\n".join(parts) + "\n"


def _commands(parser):
    """Yield the parsers of all commands, and of commands within commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                deeper = list(_commands(inner))
                yield from deeper or [inner]


def _command(parser):
    examples = "\n".join(parser.examples)
    yield f"## {parser.prog.replace(' [options]', '')}"
    yield _cell(parser.description)
    yield f"```bash\n{examples}\n```"
    rows = [_row(action) for action in parser._actions if _is_shown(action)]
    if rows:
        yield "\n".join(["| option | default | |", "|---|---|---|", *rows])


def _is_shown(action) -> bool:
    is_help = isinstance(action, argparse._HelpAction)
    return not is_help and action.help != argparse.SUPPRESS


def _row(action) -> str:
    words = action.option_strings or [action.metavar or action.dest]
    name = ", ".join(f"`{word.replace('_', '-')}`" for word in words)
    default = action.default
    is_given = default not in (None, argparse.SUPPRESS, False, [], {})
    is_given = is_given and action.nargs != 0  # a flag, which is off until it is given
    shown = f"`{_as_text(default)}`" if is_given else ""
    words = [action.help or ""]
    if action.choices:
        words.append(f"One of {', '.join(f'`{one}`' for one in action.choices)}.")
    return f"| {name} | {shown} | {_cell(' '.join(words))} |"


def _as_text(value) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")


def _exit_codes() -> str:
    from swin_keras import errors

    kinds = [errors.SwinKerasError, *errors.SwinKerasError.__subclasses__()]
    rows = [
        f"| {kind.exit_code} | `{kind.__name__}` | {kind.__doc__.splitlines()[0]} |"
        for kind in sorted(kinds, key=lambda kind: kind.exit_code)
        if kind is not errors.Interrupted  # its code is the signal's
    ]
    rows.append(
        "| 129, 130, 143 | `Interrupted` | a closed terminal, Ctrl-C or SIGTERM: "
        "`--resume` continues |"
    )
    return "\n".join(
        ["| exit code | in Python | |", "|---|---|---|", "| 0 | | done |", *rows]
    )
