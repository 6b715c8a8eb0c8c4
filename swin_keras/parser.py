"""Options of the command line, made from the configurations; no heavy imports."""

import re
import sys

import jsonargparse
import yaml

from swin_keras.command_help import HELP
from swin_keras.errors import nearest_name
from swin_keras.exporting.config import DEFAULT_FORMATS, FORMATS, ExportConfig
from swin_keras.training.config import TrainConfig


class Parser(jsonargparse.ArgumentParser):
    """A parser whose options take dashes, and whose errors name the nearest one."""

    def parse_args(self, args=None, *rest, **options):
        args = sys.argv[1:] if args is None else list(args)
        return super().parse_args(
            [_underscores(word) for word in args], *rest, **options
        )

    def parse_string(self, content, *rest, **options):
        return super().parse_string(_train_options(content), *rest, **options)

    examples = ()

    def format_help(self):
        lines = [super().format_help()]
        if self.examples:
            lines += ["examples:", *(f"  {example}" for example in self.examples), ""]
        text = "\n".join(lines)
        return re.sub(r"--\w+", lambda match: match[0].replace("_", "-"), text)

    def error(self, message, ex=None):
        message = " ".join(str(message).split()).replace("Parser key", "option")
        given = re.search(r"[Uu]nrecognized arguments?:? (--?\S+)", message)
        known = [word for word in _options(self) if word.startswith("--")]
        if given:
            word = given[1].replace("_", "-")
            message = f"There is no option {word}.{nearest_name(word, known)}"
            if self.prog.endswith("launch"):
                message += " What is the workers' own comes after --."
        message = _in_words(message)
        print(f"swin-keras: {message}", file=sys.stderr)
        command = self.prog.replace(" [options]", "")
        print(f"See: {command} --help", file=sys.stderr)
        self.exit(2)


def make_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="swin-keras",
        description="Swin Transformers: from a folder of images to a phone.",
        allow_abbrev=False,
    )
    parser.examples = ("swin-keras train", "swin-keras train --help")
    parser.add_argument("--debug", action="store_true", help="Show tracebacks.")
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subcommands(dest="command", required=True)
    for add in (
        *(_train, _launch, _tune, _evaluate, _export, _predict),
        *(_benchmark, _demo, _info, _convert, _data),
    ):
        name = add.__name__[1:]
        command = _command(name)
        commands.add_subcommand(name, command, help=HELP[name][0])
        add(command)
    return parser


def _command(name, parent=""):
    summary, *examples = HELP[name]
    parser = Parser(
        prog=f"swin-keras {parent}{name}", description=summary, allow_abbrev=False
    )
    parser.examples = examples
    return parser


def _train(parser):
    parser.add_argument(
        "--config",
        action="config",
        help="A YAML file of options, or a study's results.",
    )
    parser.add_class_arguments(TrainConfig)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="Go on with the run of this --name where it stopped, or begin it.",
    )
    parser.add_argument(
        "--dry_run",
        action="store_true",
        help="Build everything, run a few batches, and say what the run will cost.",
    )


def _launch(parser):
    parser.add_argument("--workers", type=int, default=1, help="Processes here.")
    parser.add_argument(
        "--hosts", help="host:port of every worker of a cluster, with commas."
    )
    parser.add_argument("--index", type=int, default=0, help="Which of them this is.")
    parser.add_argument(
        "--max_restarts", type=int, default=3, help="Starts after a worker's death."
    )
    parser.add_argument("words", nargs="+", help="-- train and its options.")


def _tune(parser):
    parser.add_argument("study", help="The YAML file of a study.")
    parser.add_argument(
        "--max_trials", type=int, help="Configurations to try; default: the study's."
    )
    parser.add_argument(
        "--max_minutes", type=float, help="Time for the search; default: the study's."
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="Go on with the study where it stopped, or begin it.",
    )
    parser.add_argument(
        "--workers", type=int, default=1, help="Trials at the same time."
    )
    parser.add_argument("--data_dir", help="Where named data sets are kept.")


def _evaluate(parser):
    parser.add_argument("model", help="A run, an export or a model file.")
    parser.add_argument("--data", help="A folder or data set; default: the model's.")
    parser.add_argument("--data_dir", help="Where named data sets are kept.")
    parser.add_argument("--split", default="test", choices=["train", "val", "test"])
    parser.add_argument("--json", action="store_true", help="Print JSON.")


def _export(parser):
    parser.add_argument("model", help="A run, or a .keras file with a card.")
    skip = {"formats", "features", "verify", "overwrite"}
    parser.add_class_arguments(ExportConfig, skip=skip)
    parser.add_argument(
        "--formats",
        nargs="+",
        metavar="FORMAT",
        default=list(DEFAULT_FORMATS),
        help=f"Forms beside model.keras: {', '.join(FORMATS)}.",
    )
    parser.add_argument(
        "--features",
        action="store_true",
        help="Export the stages' feature maps instead of the classes.",
    )
    parser.add_argument(
        "--no_verify",
        dest="verify",
        action="store_false",
        help="Do not check the forms.",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="Replace an export of this name."
    )


def _benchmark(parser):
    parser.add_argument("model", nargs="+", help="Model files, runs or exports.")
    parser.add_argument("--vs", metavar="OTHER", help="A file to compare with.")
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[1, 2], help="Numbers of threads."
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="For each file.")
    parser.add_argument("--picture", metavar="FILE", help="Draw a picture.")
    parser.add_argument("--json", action="store_true", help="Print JSON.")


def _demo(parser):
    parser.add_argument("model", help="An export, or a .tflite file.")
    parser.add_argument("--port", type=int, default=8000, help="Port on 127.0.0.1.")
    parser.add_argument(
        "--litertjs", metavar="FOLDER", help="Where LiteRT.js is; see docs/mobile.md."
    )


def _predict(parser):
    parser.add_argument("model", help="A run, an export or a model file.")
    parser.add_argument("images", nargs="+", help="Images, or folders of images.")
    parser.add_argument("--top", type=int, default=3, help="Classes to name.")
    parser.add_argument("--json", action="store_true", help="Print JSON.")


def _info(parser):
    parser.add_argument(
        "name", nargs="?", help="A variant, a run, an export, a model or a checkpoint."
    )
    parser.add_argument("--json", action="store_true", help="Print JSON.")


def _convert(parser):
    parser.add_argument("source", help="A checkpoint, a folder or hf://ORG/NAME.")
    parser.add_argument("destination", help="A .keras file, or a folder with --to.")
    parser.add_argument(
        "--to", choices=["keras", "huggingface", "timm"], help="Default: by the name."
    )
    parser.add_argument("--classes", type=int, help="Default: the checkpoint's.")
    parser.add_argument(
        "--new_head", type=bool, help="Whether to leave the classes' weights out."
    )
    parser.add_argument("--resize", default="bicubic", choices=["bicubic", "geometric"])
    parser.add_argument(
        "--key", help="Which of several sets of weights in a file: model_ema, ..."
    )
    parser.add_argument(
        "--sizes", type=dict, default={}, help="Fields of SwinConfig to change."
    )


def _data(parser):
    actions = parser.add_subcommands(dest="action", required=True)
    check = _command("check", "data ")
    actions.add_subcommand("check", check, help=HELP["check"][0])
    check.add_argument("folder", help="A folder of class folders.")
    check.add_argument("--quick", action="store_true", help="Read headers only.")
    check.add_argument("--json", metavar="FILE", help="Write the report as JSON.")
    extract = _command("extract", "data ")
    actions.add_subcommand("extract", extract, help=HELP["extract"][0])
    extract.add_argument("data", help="The name of a data set.")
    extract.add_argument("folder", help="The folder to make.")
    extract.add_argument("--data_dir", help="Where named data sets are kept.")
    extract.add_argument("--count", type=int, help="Images in all; default: every one.")
    extract.add_argument("--split", default="test", choices=["train", "val", "test"])
    extract.add_argument("--format", default="png", choices=["png", "jpeg"])


def _train_options(content):
    """Take the winner's options out of the results of a study."""
    try:
        values = yaml.safe_load(content)
    except yaml.YAMLError:
        return content  # the parser says what is wrong with it
    if isinstance(values, dict) and isinstance(values.get("train"), dict):
        return yaml.safe_dump(values["train"])
    return content


def _in_words(message):
    """Say what an option takes, where jsonargparse lists the types it tried."""
    found = re.match(
        r'option "(\w+)"(?: element \d+)?: '
        r"(?:Does not validate against .* Subtypes: \[(.*)\] Errors: .* Given value: "
        r"|Expected a (.*)\. Got value: )(.*)$",
        message,
    )
    if not found:
        return message
    option, types, choice, given = found.groups()
    types = types or choice
    kinds = [text for kind, text in _KINDS.items() if f"'{kind}'" in types]
    literals = ",".join(re.findall(r"Literal\[(.*?)\]", types))
    words = re.findall(r"'([^']+)'", literals)
    if not kinds + words:
        return message
    nearest = nearest_name(given, words) if len(words) > 1 else ""
    return (
        f"`--{option.replace('_', '-')}` must be {' or '.join(kinds + words)}. "
        f"Received: {given}.{nearest}"
    )


_KINDS = {"int": "a whole number", "float": "a number"}


def _underscores(word):
    """Turn `--on-bad=x` into `--on_bad=x`, as the configurations are written."""
    if not word.startswith("--"):
        return word
    option, equals, value = word.partition("=")
    return "--" + option[2:].replace("-", "_") + equals + value


def _options(parser):
    words = []
    for action in parser._actions:
        words += [word.replace("_", "-") for word in action.option_strings]
    return words


def _version():
    from swin_keras import __version__

    return __version__
