"""train, launch and evaluate."""

import dataclasses
import json
import os
from pathlib import Path

import yaml

from swin_keras.cli.command_parser import NotGiven
from swin_keras.cli.config_file import read_options
from swin_keras.cli.console import (
    command,
    keeping_compiled,
    load_tensorflow,
    make_table,
    out,
)
from swin_keras.errors import UsageError
from swin_keras.files import expanded
from swin_keras.processes import end_with_starter


def train(options):
    from swin_keras.training.compile_cache import prepare_compiler
    from swin_keras.training.config import TrainConfig
    from swin_keras.training.launching import LAUNCHED

    if os.environ.pop(LAUNCHED, None):
        end_with_starter()
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    values = {name: options[name] for name in names}
    values["data"] = str(options.data)
    if options.multi_label:
        values["task"] = _task_named_once(options.task, TrainConfig.task)
    if options.folder is not None:
        values["data"] = _data_named_once(options)
    if options.resume:
        values |= _where_it_stands(options.config, values)
    config = TrainConfig.from_dict(values)
    prepare_compiler(config)
    load_tensorflow()
    if options.dry_run:
        from swin_keras.training.dry_run import dry_run

        out.print(dry_run(config))
        return 0
    from swin_keras.training.strategy import tf_config
    from swin_keras.training.train import train

    run = train(config, resume=options.resume)
    if not tf_config().get("task", {}).get("index"):  # one of all workers says it
        out.print(f"next: {command('export', run.path)}")
    return 0


def _task_named_once(given, default):
    if given not in (default, "multi-label"):
        raise UsageError(
            f"The task must be named once. Received: --multi-label and --task {given}."
        )
    return "multi-label"


def _data_named_once(options):
    """Return the data of `train DATA`; a file of options may name others."""
    files = [yaml.safe_load(read_options(str(path))) for path in options.config or ()]
    may_be = [options.folder, *(values.get("data") for values in files)]
    if not isinstance(options.data, NotGiven) and options.data not in may_be:
        raise UsageError(
            "The data must be named once: swin-keras train DATA, or --data DATA. "
            f"Received: {options.folder} and --data {options.data}."
        )
    return options.folder


def _where_it_stands(files, values) -> dict:
    """Return the place of the run whose `config.yaml` was given; it may have moved.

    What the file says of its place is where the run began. Another name or place on the
    command line means another run.
    """
    for path in map(Path, files or ()):
        run = path.absolute().parent
        told = yaml.safe_load(read_options(str(path))) or {}
        is_its_own = all(values[n] == told.get(n) for n in ("name", "runs_dir"))
        if is_its_own and told.get("name") and (run / "checkpoints").is_dir():
            named = expanded(told["runs_dir"]) / told["name"]
            if named.resolve() != run.resolve():
                return {"name": run.name, "runs_dir": str(run.parent)}
    return {}


def launch(options):
    from swin_keras.training.launching import launch

    hosts = [host for host in (options.hosts or "").split(",") if host]
    return launch(
        options.words,
        options.workers,
        hosts=hosts,
        index=options.index,
        max_restarts=options.max_restarts,
        fenced=options.fence,
    )


@keeping_compiled()
def evaluate(options):
    load_tensorflow()
    from swin_keras.inference.evaluation import evaluate

    result = evaluate(
        options.model,
        options.data,
        data_dir=options.data_dir,
        split=options.split,
        batch_size=options.batch_size,
        on_bad=options.on_bad,
        window=options.window,
        flip=options.flip,
        quarter_turns=options.quarter_turns,
        scales=options.scales,
        trust=options.trust,
        workers=options.workers,
    )
    if options.json:
        print(json.dumps(result.to_dict(), indent=2))
        return 0
    for note in result.notes:
        out.print(f"data: {note}")
    columns, *rows = result.table()
    table = make_table(*columns)
    for row in rows:
        table.add_row(*row)
    out.print(table)
    out.print(result.headline())
    return 0
