"""A parser whose options take dashes, and whose errors help."""

import re
import sys
from argparse import PARSER

import jsonargparse
import yaml

from swin_keras.cli.config_file import read_options
from swin_keras.cli.word_order import REMEDY, in_order
from swin_keras.errors import UsageError, nearest_name
from swin_keras.options import kinds
from swin_keras.screen import complain

# The help of an option that takes no value, and the default that comes after it.
FLAG = re.compile(
    r"^(  --\w+(?:  |\n)(?:(?!^  -).)*?)\s+\(default: (?:True|False)\)", re.M | re.S
)
UNREAD = re.compile(r'option "(\w+)": a string or stream input is required$')
ALSO_CALLED = {"lr": "learning_rate"}  # what others call our options
MEANT = {**ALSO_CALLED, "folder": "data"}  # by names in a file of options


class NotGiven(str):
    """A default, to be told from the same word that somebody gave."""


class _File(str):
    """The text of a file of options."""


class _Text(str):
    """Text as it is, which jsonargparse does not read as YAML."""


for kind in NotGiven, _Text:  # which `--print-config` writes
    yaml.SafeDumper.add_representer(kind, yaml.SafeDumper.represent_str)


def _load(text):
    """Read an option's value as YAML, whose comments a command does not have."""
    if isinstance(text, _File):
        # jsonargparse would take a mapping to nothing, such as `epochs:`, for a word.
        return _as_text(_load_yaml(f"{text}\n#"))
    value = _load_yaml(text)
    is_word = "#" in text and "\n" not in text and not text.startswith(("'", '"'))
    return text if is_word and (value is None or isinstance(value, str)) else value


_load_yaml = jsonargparse.get_loader("yaml")
jsonargparse.set_loader("yaml", _load, (yaml.YAMLError,))


def _as_text(value):
    """Return what a file holds, its text as it stands there."""
    if isinstance(value, dict):
        return {name: _as_text(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    return _Text(value) if isinstance(value, str) else value


class Parser(jsonargparse.ArgumentParser):
    """A parser whose options take dashes, and whose errors name the nearest one."""

    def parse_args(self, args=None, *rest, **options):
        args = sys.argv[1:] if args is None else list(args)
        end = args.index("--") if "--" in args else len(args)  # of the options
        words, others = list(map(_our_word, args[:end])), args[end:]
        if any(action.nargs == PARSER for action in self._actions):
            words += others  # which the command's own parser puts in order
        else:
            words = self._in_order([*self._with_text(words), *others])
        try:
            return super().parse_args(words, *rest, **options)
        except (OverflowError, RecursionError) as error:  # of a value in a file
            self.error(f"An option's value is too large or too deep: {error}.")

    def _with_text(self, words):
        """Mark the values of options that take text: a name may be `null`."""
        options = {
            option
            for action in self._actions
            for option in action.option_strings
            if str in kinds(_type(action))
        }
        marked, before = [], None
        for word in words:
            option, _, value = word.partition("=")
            if option in options and value and value[0] != "-":
                marked += [option, _Text(value)]
            else:
                marked.append(_Text(word) if before in options else word)
            before = word
        return marked

    def _in_order(self, words):
        takes = {
            option: (action.nargs, _type(action))
            for action in self._actions
            for option in action.option_strings
        }
        needs = [
            action.dest
            for action in self._actions
            if not action.option_strings and action.nargs in (None, "+")
        ]
        try:
            return in_order(words, takes, needs)
        except ValueError as error:
            self.error(error)

    def parse_path(self, path, **options):
        try:
            content = read_options(str(path))
        except UsageError as error:
            self.error(error)
        known = [action.dest for action in self._actions if action.option_strings]
        self.in_file = yaml.safe_load(content) or {}
        others = {action.dest for action in self._actions} - {*known}
        for name, value in self.in_file.items():
            if name in others and value is None:  # as `--print-config` writes it
                continue
            if name not in known:
                meant = MEANT.get(name, str(name))
                self.error(
                    f"{path} gives {name}, which is no option."
                    f"{nearest_name(meant, known)}"
                )
            if value == "":
                self.error(f"{path} gives {name}, which must not be empty. {REMEDY}")
        return self.parse_string(_File(content), **options)

    examples = ()
    in_file = {}  # the options of the file that is read, for messages

    def format_help(self):
        lines = [super().format_help()]
        if self.examples:
            lines += ["examples:", *(f"  {example}" for example in self.examples), ""]
        text = re.sub(FLAG, r"\1", "\n".join(lines))
        return re.sub(r"--\w+", lambda match: match[0].replace("_", "-"), text)

    def error(self, message, ex=None):
        message = " ".join(str(message).split()).replace("Parser key", "option")
        message = re.sub(UNREAD, self._expected, message)
        given = re.search(r"[Uu]nrecognized arguments?:? (--?\S+)", message)
        known = [word for word in _options(self) if word.startswith("--")]
        if given:
            word = given[1].replace("_", "-")
            message = f"There is no option {word}.{nearest_name(word, known)}"
            if self.prog.endswith("launch"):
                message += " What is the workers' own comes after --."
        complain(_in_words(message))
        command = self.prog.replace(" [options]", "")
        print(f"See: {command} --help", file=sys.stderr)
        self.exit(2)

    def _expected(self, unread):
        """Tell what jsonargparse leaves out of text where a file must have none."""
        name = unread[1]
        kind = {action.dest: _type(action) for action in self._actions}[name]
        given = self.in_file.get(name)
        return f'option "{name}": Expected a {kind}. Got value: {given}'


def _type(action):
    """Return the type of an option's value: where jsonargparse keeps it, else none."""
    return action._typehint if hasattr(action, "_typehint") else action.type


def _in_words(message):
    """State what an option takes, where jsonargparse lists the types it tried."""
    if found := re.search(
        r"invalid choice: '([^']*)' \(choose from ([^)]*)\)", message
    ):
        known = re.findall(r"[\w.-]+", found[2])
        return f"{message}.{nearest_name(found[1], known)}"
    found = re.match(
        r'option "(\w+)"(?: element \d+)?: '
        r"(?:Does not validate against .* Subtypes: \[(.*)\] Errors: .* Given value:"
        r"|Expected an? (.*)\. Got value: ) ?(.*)$",
        message,
    )
    if not found:
        return message
    option, types, choice, given = found.groups()
    types = types or choice
    kinds = [text for kind, text in _KINDS.items() if kind in types]
    literals = ",".join(re.findall(r"Literal\[(.*?)\]", types))
    words = re.findall(r"'([^']+)'", literals)
    if not kinds + words:
        return message
    nearest = nearest_name(given, words) if len(words) > 1 else ""
    return (
        f"`--{option.replace('_', '-')}` must be {' or '.join(kinds + words)}. "
        f"Received: {given or repr(given)}.{nearest}"
    )


_KINDS = {
    "<class 'bool'>": "true or false",
    "<class 'str'>": "text",
    "<class 'int'>": "a whole number",
    "<class 'float'>": "a number",
    "<class 'dict'>": "a mapping such as {depths: [2, 2]}",
    "<class 'list'>": "a list such as [0, 4095]",
    "<class 'tuple'>": "a list such as [10, 20]",
    "tuple[int, int]": "two such as [48, 32]",
    "tuple[float, float]": "two numbers such as [0, 4095]",
}


def _our_word(word):
    """Turn `--on-bad=x` into `--on_bad=x`, as the configurations are written."""
    if not word.startswith("--"):
        return word
    option, equals, value = word.partition("=")
    name = option[2:].replace("-", "_")
    return "--" + ALSO_CALLED.get(name, name) + equals + value


def _options(parser):
    words = []
    for action in parser._actions:
        words += [word.replace("_", "-") for word in action.option_strings]
    return words
