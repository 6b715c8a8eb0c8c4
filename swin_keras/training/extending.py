"""With which options a run resumes: those it began with, or more epochs."""

import dataclasses
import json
import logging

from swin_keras.errors import UsageError
from swin_keras.files import write_text
from swin_keras.training.checkpoints import CheckpointFolder
from swin_keras.training.config import TrainConfig
from swin_keras.training.run_folder import RunFolder

log = logging.getLogger(__name__)
MAY_CHANGE = (
    "runs_dir",
    "data_dir",
    "strategy",
    "workers",
    "jit_compile",
    "compile_cache",
    "checkpoint_minutes",
    "teacher_cache",
)

# Where a run, its data and its teacher are, or what leaves its figures as they are.
_PLACES = ("name", "data", "teacher", "unlabelled", "lost", "on_bad", "remat")
_SCHEDULE = ("epochs", "restarts", "planned_ends")


def as_begun(run: RunFolder, config: TrainConfig) -> TrainConfig:
    """Return the options a run began with, with what may change taken from new ones.

    The data may have moved: whether they are the same is seen when they are read. A
    finished run that is to have more epochs has a restart; its files stay as they are.

    Args:
        run: The run to resume.
        config: The options given now; `None`, and what it left to its preset, are
            not.

    Raises:
        UsageError: If other options changed.
    """
    before = run.read_config()
    named = config.data != TrainConfig.data
    may_change = {name: getattr(config, name) for name in MAY_CHANGE}
    may_change |= {"name": run.name, "data": config.data if named else before.data}
    may_change |= {"lost": before.lost, "remat": config.remat or before.remat}
    for name in ("teacher", "unlabelled"):  # told from others, like the data
        may_change[name] = getattr(config, name) or getattr(before, name)
    if not config.restarts:  # the command that extended the run, given again
        may_change |= {"restarts": before.restarts}
        may_change |= {"planned_ends": before.planned_ends}
    if config.on_bad == "skip":  # what was left in until it ended the run
        may_change |= {"on_bad": "skip"}
    changed = [
        field.name
        for field in dataclasses.fields(TrainConfig)
        if field.name not in may_change
        and field.name not in config.left_open
        and getattr(config, field.name) not in (None, "auto")
        and getattr(config, field.name) != getattr(before, field.name)
    ]
    if changed == ["epochs"] and config.epochs > before.epochs:
        more = _extended(run, before, config.epochs)
        may_change |= {"restarts": more.restarts, "planned_ends": more.planned_ends}
        return dataclasses.replace(more, **may_change)
    if changed:
        raise UsageError(
            f"{_differences(vars(before), vars(config), changed)} Use --config "
            f"{run.config} --resume, or another --name."
        )
    return dataclasses.replace(before, **may_change)


def lasting_options(config: TrainConfig) -> dict:
    """Return the options that a run keeps to its end, as its checkpoints hold them."""
    values = json.loads(json.dumps(dataclasses.asdict(config)))
    return {k: v for k, v in values.items() if k not in (*MAY_CHANGE, *_PLACES)}


def check_lasting(before: dict, now: dict) -> None:
    """Refuse to go on from a checkpoint with a configuration that was edited since.

    Args:
        before: What `lasting_options` were in the checkpoint; other versions of this
            package may have known others.
        now: What they are.

    Raises:
        UsageError: That names what changed.
    """
    changed = [n for n, value in now.items() if before.get(n, value) != value]
    if _goes_on(before, now):
        changed = [name for name in changed if name not in _SCHEDULE]
    if changed:
        raise UsageError(
            f"{_differences(before, now, changed)} Put that back in its config.yaml, "
            "or start another run."
        )


def _differences(before, now, names):
    told = [f"{name} was {before[name]!r} and is {now[name]!r}" for name in names]
    return f"A run resumes with the options it began with: {'; '.join(told)}."


def _goes_on(before, now):
    """Return whether a schedule is another's, or begins with it."""
    if not all(name in before for name in _SCHEDULE):
        return False
    count = len(before["restarts"])
    begun = now["restarts"][:count], _ends(now)[: count + 1]
    return begun == (before["restarts"], _ends(before))


def _ends(options):
    return [*(options["planned_ends"] or options["restarts"]), options["epochs"]]


def record_extension(run: RunFolder, config: TrainConfig) -> None:
    """Make a finished run one that is not, once its data are known to be there."""
    if run.read_config().epochs != config.epochs:
        run.card.unlink(missing_ok=True)  # first: from now on it is not finished
    write_text(run.config, config.to_yaml())


def _extended(run, before, epochs):
    """Return the options with which a finished run continues."""
    if not run.card.is_file():
        raise UsageError(
            f"Only a finished run can be given more epochs, and {run.path} is "
            f"scheduled to run to epoch {before.epochs}. Finish it with --resume "
            "alone, then extend it with --epochs."
        )
    checkpoint = CheckpointFolder(run.checkpoints).newest()
    if checkpoint is None:
        raise UsageError(
            f"A run resumes from its last checkpoint, and {run.checkpoints} has none "
            f"that is whole. Start another run from its weights: --weights {run.path}."
        )
    done = checkpoint.state["epochs"]
    restarts = (*before.restarts, done)
    planned = (*(before.planned_ends or before.restarts), before.epochs)
    config = dataclasses.replace(
        before,
        epochs=epochs,
        restarts=restarts,
        planned_ends=planned if planned != restarts else (),
    )
    log.info(
        "training goes on after epoch %d to epoch %d, with another warm-up and another "
        "%s schedule",
        done,
        epochs,
        config.schedule,
    )
    return config
