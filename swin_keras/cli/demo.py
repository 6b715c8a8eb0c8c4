"""Try an exported model in the browser: `swin-keras demo MODEL`."""

import logging
from pathlib import Path

from swin_keras.cli.console import command
from swin_keras.demo.server import make_server
from swin_keras.errors import ModelFileError, ResourceError, UsageError
from swin_keras.files import expanded, free_path
from swin_keras.inference.model_paths import (
    find_keras_model,
    find_model,
    path_of_model,
)
from swin_keras.model_files import read_card, require_whole
from swin_keras.tasks import task_named

log = logging.getLogger(__name__)
INSTALLED = "node_modules/@litertjs"  # by `npm install @litertjs/core`


def run(options, out) -> int:
    """Serve the page until interrupted.

    Args:
        options: The parsed options.
        out: The console to print to.
    """
    model = litert_file(path_of_model(options.model))
    runtime = litertjs_folder(options.litertjs)
    try:
        server = make_server(model, runtime, options.port)
    except (OSError, OverflowError) as error:
        raise ResourceError(
            f"The port {options.port} must be free on 127.0.0.1 ({error}). "
            "Choose another: --port."
        ) from error
    with server:
        out.print(f"open http://127.0.0.1:{server.server_port}/  (Ctrl-C ends it)")
        server.serve_forever()
    return 0


def litert_file(path: Path) -> Path:
    """Return the LiteRT file of a model with class names.

    Raises:
        ModelFileError: If it has none.
    """
    files = sorted(path.glob("model*.tflite")) if path.is_dir() else []
    file = files[0] if files else find_model(path)
    if file.suffix != ".tflite":
        raise ModelFileError(
            f"A browser runs .tflite files. Received: {file}. {_advice(path)}"
        )
    require_whole(file)
    card = read_card(file)
    if card is None or not card.class_names:
        given = "has none" if card is None else f"is for {card.task}"
        raise ModelFileError(
            f"The file must have a card with its class names. {file} {given}; "
            "export the model with this package."
        )
    channels = card.model.get("input_shape", [3])[-1]
    if channels not in (1, 3):
        raise ModelFileError(
            "The page shows a model colours, or brightness alone. Received: "
            f"{file}, which takes {channels} channels."
        )
    if not card.normalizes:
        raise ModelFileError(
            "The page gives a model 0..255, as it reads them. Received: "
            f"{file}, which does not normalize them itself."
        )
    if task_named(card.task).gives_probabilities and "outputs" in card.outputs:
        raise ModelFileError(
            f"The page shows probabilities. Received: {file}, which ends in no softmax "
            "or sigmoid. Export the model with one."
        )
    if card.grey_range:
        log.warning(
            "%s was trained on greys of more than 8 bits, from %g to %g. A browser "
            "reads 8: try such pictures with `swin-keras predict`.",
            file,
            *card.grey_range,
        )
    if (card.litert_batch_size or 1) > 1:
        raise ModelFileError(
            "The page gives a model one picture at a time. Received: "
            f"{file}, which takes {card.litert_batch_size}. Export the model again "
            "without --batch-size."
        )
    return file


def _advice(path: Path) -> str:
    """Return how to come by a LiteRT file of a model: a command, if one makes it."""
    source = find_keras_model(path)
    if source.suffix != ".keras":
        return "Give an export that has a .tflite file."
    from swin_keras.exporting.config import ExportConfig
    from swin_keras.exporting.source import export_name

    config = ExportConfig()
    card = None if path.is_dir() else read_card(source)
    usual = Path(config.saved_models_dir, export_name(path, source, card, config))
    words = ["export", path]
    if (free := free_path(usual)) != usual:
        words += ["--formats", "litert", "--name", free.name]
    return f"Make one with `{command(*words)}`."


def litertjs_folder(given: str | None) -> Path:
    """Return the folder with LiteRT.js, `core` and `wasm-utils`.

    Raises:
        UsageError: If it is not there; the message says how to install it.
    """
    folder = expanded(given or INSTALLED)
    if not (folder / "core" / "wasm").is_dir():
        raise UsageError(
            f"The page needs LiteRT.js, and {folder} does not hold it. Install it "
            "with `npm install @litertjs/core`; without npm, copy the folder "
            "node_modules/@litertjs, which holds `core` and `wasm-utils`, from a "
            "machine that has it, and name it: --litertjs FOLDER."
        )
    return folder
