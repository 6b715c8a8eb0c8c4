"""Files of every kind that comes from outside, damaged, and a process that takes them.

    python tests/attacks/file_attacks.py KIND FIRST COUNT ORIGINALS

takes mutants FIRST to FIRST + COUNT of a kind, made of the files in ORIGINALS (see
`originals.py`) as a user's command or call would, each with 30 s, and prints a line
for each: its number, what came of it, seconds, and the megabytes that it took at most.
With WORDS=1 in the environment, the errors as well. It dies if one takes too long or
ends the process; whoever started it continues with the next.

| outcome | meaning |
|---|---|
| refused | one of our errors, in words |
| equal | taken, and the answer is that of the whole file |
| other | taken, with another answer: nothing tells the file from one that is meant so |
| silent | the same where a SHA-256 is at hand |
| memory | more than 1 GB, or refused for memory that ran out |
| anything else | an exception that is not ours |
"""

import contextlib
import dataclasses
import gc
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from damages import damaged_gzip, damaged_json, damaged_table, damaged_zip, mutate

SECONDS, MEGABYTES = 30, 1000
ADDRESSES = 6 << 30  # bytes: TensorFlow's threads reserve more than they use


@dataclass(frozen=True)
class Kind:
    """A kind of file from outside.

    Args:
        folder: Where its originals are, below those of all kinds.
        files: Which of them are damaged: patterns below that folder.
        use: Takes the folder and the damaged file as a user would, and returns what is
            found there.
        damage: How, from bytes and a generator to bytes.
        has_hash: Whether a SHA-256 is at hand.
    """

    folder: str
    files: tuple[str, ...]
    use: Callable
    damage: Callable = mutate
    has_hash: bool = False


class Refused(Exception):  # noqa: N818  what the command line makes of our errors
    """A command that ended with a sentence and one of its exit codes."""


def command(*words) -> str:
    """Run `swin-keras` here, and return what it prints."""
    from swin_keras.cli import main

    said, complaint = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complaint):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
    if code:
        text = complaint.getvalue().strip()
        if "not enough memory" in text:
            raise MemoryError(text)
        if code not in (2, 3, 4, 5) or not text or "Traceback" in text:
            raise AssertionError(f"exit code {code}, {text!r}")
        raise Refused(text)
    return said.getvalue()


def predict(model, folder):
    """Ask a model for the class of an image."""
    image = folder / "image.png"
    return json.loads(command("predict", model, image, "--json"))[0]["scores"]


def predict_and_inform(folder, path):
    command("info", path.parent, "--json")
    return predict(path.parent, folder)


def look_at(folder, path):
    """Check and load an image, as `data check`, `train` and `predict` do."""
    from swin_keras.data.image_io import load_image
    from swin_keras.data.inspection import look_into

    look = look_into(str(path))
    return look.size, load_image(path, (32, 32)).tobytes()


def load_data(source, **options):
    """Load a data set, and the first image of each split."""
    from swin_keras.data import load_dataset

    dataset = load_dataset(source, **options)
    images = [split.image(0, 3).tobytes() for split in dataset.splits.values()]
    return dataset.class_names, dataset.fingerprint(), images


def read_options(folder, path):
    """Read options as `train --config` does, as far as before the data."""
    from swin_keras.cli.parser import make_parser
    from swin_keras.training.config import TrainConfig

    complaint = io.StringIO()
    with contextlib.redirect_stderr(complaint):
        try:
            options = make_parser().parse_args(["train", "--config", str(path)]).train
        except SystemExit as stop:
            if stop.code != 2 or "Traceback" in complaint.getvalue():
                raise AssertionError(complaint.getvalue()) from None
            raise Refused(complaint.getvalue()) from None
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    config = TrainConfig.from_dict({name: options[name] for name in names})
    return config.to_yaml()


def read_study(folder, path):
    from swin_keras.tuning.study import Study

    return repr(Study.read(path).to_dict())


def read_checkpoint(folder, path):
    """Return the newest checkpoint that is whole."""
    from swin_keras.training.checkpoints import CheckpointFolder

    found = CheckpointFolder(path.parent.parent).newest()
    if found is None:
        raise Refused("none is whole, which the log says")
    return [array.tobytes() for array in found.arrays]


def resume(folder, path):
    """End a run that was stopped after its last checkpoint."""
    (run,) = (config.parent for config in folder.glob("*/config.yaml"))
    words = ("--config", run / "config.yaml", "--runs-dir", folder, "--resume")
    command("train", *words)
    return json.loads((run / "card.json").read_text())["metrics"]["test_accuracy"]


def load_weights(folder, path):
    """Build the model of a folder as others publish it."""
    from swin_keras.weights import from_pretrained

    return [weight.tobytes() for weight in from_pretrained(folder).get_weights()]


def ask(folder, path):
    return predict(path, folder)


def ask_saved_model(folder, path):
    (graph,) = folder.rglob("saved_model.pb")
    return predict(graph.parent, folder)


KINDS = {
    "images": Kind("images", ("*",), look_at),
    "label table": Kind(
        "table", ("*.csv",), lambda f, path: load_data(path), damaged_table
    ),
    "IDX": Kind(
        "idx", ("*",), lambda f, path: load_data("mnist", data_dir=f), damaged_gzip
    ),
    "TFDS set": Kind(
        "tfds",
        ("digits/**/*.*",),
        lambda f, path: load_data("digits", data_dir=f),
        lambda data, rng: (damaged_json if data[:1] == b"{" else mutate)(data, rng),
    ),
    "options (YAML)": Kind("options", ("*",), read_options, damaged_json),
    "study (YAML)": Kind("study", ("*",), read_study, damaged_json),
    "card.json": Kind("export", ("*/card.json",), predict_and_inform, damaged_json),
    "export, .tflite": Kind("export", ("*/*.tflite",), ask, has_hash=True),
    "export, .onnx": Kind("export", ("*/*.onnx",), ask, has_hash=True),
    "export, .keras": Kind("export", ("*/*.keras",), ask, damaged_zip, has_hash=True),
    "export, SavedModel": Kind(
        "export", ("*/saved_model/1/**/*.*",), ask_saved_model, has_hash=True
    ),
    "checkpoint of a run": Kind(
        "checkpoint", ("checkpoints/*/*",), read_checkpoint, has_hash=True
    ),
    "run, resumed": Kind(
        "run", ("*/checkpoints/*/*", "*/metrics.csv", "*/best.keras"), resume
    ),
    "weights, folder": Kind(
        "weights",
        ("*",),
        load_weights,
        lambda data, rng: (damaged_json if data[:1] == b"{" else mutate)(data, rng),
    ),
    ".keras": Kind("keras", ("*.keras",), ask, damaged_zip),
    ".tflite": Kind("bare", ("*/*.tflite",), ask),
    ".onnx": Kind("bare", ("*/*.onnx",), ask),
    "SavedModel": Kind("bare", ("*/saved_model/1/**/*.*",), ask_saved_model),
}


def outcome(kind: Kind, folder: Path, path: Path, expected) -> str:
    """Take a damaged file, and say what came of that."""
    from swin_keras.errors import SwinKerasError

    try:
        found = kind.use(folder, path)
    except (SwinKerasError, Refused) as error:
        if "WORDS" in os.environ:
            print(error)
        return "memory" if _is_of_memory(error) else "refused"
    except MemoryError:
        return "memory"
    except Exception as error:
        if "WORDS" in os.environ:
            traceback.print_exc(file=sys.stdout)
        return f"{type(error).__name__}, which is not ours"
    if found == expected:
        return "equal"
    return "silent" if kind.has_hash else "other"


def _is_of_memory(error):
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def main(names, first, count, originals):
    kinds = [KINDS[name] for name in names.split(", and ")]  # each in turn
    warnings.simplefilter("ignore")
    expected = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(int(first), int(first) + int(count)):
            rng = np.random.default_rng(number)
            kind = kinds[number % len(kinds)]
            source = Path(originals) / kind.folder
            folder = Path(scratch) / kind.folder
            files = _files(source, kind.files)
            original = files[number // len(kinds) % len(files)]
            path = folder / original.relative_to(source)
            if (kind, original) not in expected:
                _copy(source, folder)
                expected[kind, original] = kind.use(folder, path)
            _copy(source, folder)
            damaged = kind.damage(original.read_bytes(), rng)
            path.write_bytes(damaged)
            before = _peaks(reset=True)
            limit = before[0] * 2**20 + ADDRESSES
            resource.setrlimit(resource.RLIMIT_AS, (limit, -1))
            signal.alarm(SECONDS)
            start = time.perf_counter()
            result = outcome(kind, folder, path, expected[kind, original])
            seconds = time.perf_counter() - start
            signal.alarm(0)
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
            taken = max(a - b for a, b in zip(_peaks(), before, strict=True))
            if taken > MEGABYTES:
                result = "memory"
            if damaged == original.read_bytes() and result == "other":
                result = "not repeatable"
            print(json.dumps([number, result, round(seconds, 3), taken]), flush=True)
            if "keras" in sys.modules and not number % 10:  # which takes a while
                sys.modules["keras"].utils.clear_session()
                gc.collect()


def _files(source, patterns):
    found = [path for pattern in patterns for path in source.glob(pattern)]
    return sorted(p for p in found if p.is_file() and p.name != "image.png")


def _copy(source, folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)


def _peaks(reset=False):
    """Return the most megabytes that this process and its children have taken.

    Args:
        reset: Whether this process' own count begins anew.
    """
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    own = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return own, max(children, 700)  # which an interpreter with LiteRT takes itself


if __name__ == "__main__":
    main(*sys.argv[1:])
