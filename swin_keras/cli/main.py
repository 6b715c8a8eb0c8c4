"""One command is parsed and run; every command calls a function."""

import logging
import os
import re
import sys

from swin_keras.cli.parser import make_parser
from swin_keras.errors import SwinKerasError, UsageError
from swin_keras.screen import ScreenHandler, complain

log = logging.getLogger(__name__)
TASK_OF = {"classes": "classify", "masks": "segment", "boxes": "detect"}


def main(arguments=None) -> int:
    """Run one command and return its exit code.

    0 done; 2 usage; 3 data; 4 model file; 5 resources; 6 a loss that is not
    finite; 129, 130 or 143 interrupted, by a closed terminal, Ctrl-C or SIGTERM;
    1 anything else.
    """
    try:
        options = make_parser().parse_args(arguments)
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    for stream in sys.stdout, sys.stderr:  # a letter that a terminal lacks ends nothing
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(handlers=[ScreenHandler()])
    logging.getLogger("swin_keras").setLevel(logging.INFO)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        _choose_tensorflow(trains=options.command in ("train", "launch", "tune"))
        import swin_keras.cli.commands

        command = getattr(swin_keras.cli.commands, options.command)
        return command(options[options.command]) or 0
    except SwinKerasError as error:
        return _report(error, error, error.exit_code, options.debug)
    except KeyboardInterrupt as error:
        return _report(error, "interrupted", 130, options.debug)
    except MemoryError as error:
        is_train = options.command == "train"
        smaller = "--batch-size or smaller images" if is_train else "model or image"
        text = f"There is not enough memory. Try a smaller {smaller}."
        return _report(error, text, 5, options.debug)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that must not be written
        where = f"{error.filename}: " if error.filename else ""
        return _report(error, f"{where}{error.strerror or error}", 5, options.debug)


def _choose_tensorflow(trains):
    """Have Keras run on TensorFlow, whatever it runs on elsewhere.

    Who asks for another backend to train on is told.

    Raises:
        UsageError: If it is imported already, with another backend.
    """
    if "keras" not in sys.modules:
        asked = os.environ.get("KERAS_BACKEND") or "tensorflow"
        if trains and asked != "tensorflow":
            log.warning(
                "KERAS_BACKEND=%s is passed over: the command line trains on "
                "TensorFlow. On another backend, use `fit` of a model of swin_keras",
                asked,
            )
        os.environ["KERAS_BACKEND"] = "tensorflow"  # it also wins over keras.json
        return
    import keras

    if keras.config.backend() != "tensorflow":
        raise UsageError(
            "The command line runs on Keras' backend tensorflow. Received: "
            f"{keras.config.backend()}, which is in use in this process. Run "
            "`swin-keras` in one of its own."
        )


def _report(error, text, code, debug):
    if debug:
        raise error
    complain(_as_options(str(text)))
    return code


def _as_options(text):
    """Write `--on-bad skip` where a message for Python says `on_bad='skip'`."""

    def as_option(match):
        if match[1] == "targets":  # which the task decides
            return f"with --task {TASK_OF[match[2]]}"
        return f"with --{match[1].replace('_', '-')} {match[2] or ''}".rstrip()

    return re.sub(r"\bwith (\w+)=(?:True|'([\w-]+)')", as_option, text)
