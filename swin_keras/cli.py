"""swin-keras: the command line. Parsing only; every command calls a function."""

import logging
import os
import sys

from swin_keras.errors import SwinKerasError
from swin_keras.parser import make_parser


def main(arguments=None) -> int:
    """Run one command and return its exit code.

    0 done; 2 usage; 3 data; 4 model file; 5 resources; 130 interrupted.
    """
    options = make_parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", handlers=[ScreenHandler()])
    logging.getLogger("swin_keras").setLevel(logging.INFO)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    import swin_keras.commands

    command = getattr(swin_keras.commands, options.command)
    try:
        return command(options[options.command]) or 0
    except SwinKerasError as error:
        return _report(error, error.exit_code, options.debug)
    except KeyboardInterrupt as error:
        return _report("interrupted", 130, options.debug and error)
    except MemoryError as error:
        text = "There is not enough memory. Try a smaller --batch-size or image."
        return _report(text, 5, options.debug and error)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class ScreenHandler(logging.Handler):
    """Write to standard error as it is now: a progress bar may stand in for it."""

    def emit(self, record):
        print(self.format(record), file=sys.stderr)


def _report(error, code, debug):
    if debug and isinstance(error, BaseException):
        raise error
    print(f"swin-keras: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
