"""A run that unreadable images end: it says which, records them, and can be resumed."""

import dataclasses
import shlex
from contextlib import contextmanager

from swin_keras.data import load_trained
from swin_keras.data.folder import shorten
from swin_keras.data.lost import find_lost, has_labels
from swin_keras.errors import DataError
from swin_keras.files import write_text
from swin_keras.names import printable
from swin_keras.options import path_word
from swin_keras.training.job import TrainingJob
from swin_keras.training.resume import OtherDataError
from swin_keras.training.run_folder import RunFolder
from swin_keras.yaml_files import can_be_read

_REMEDY = (
    "Repair or remove them, or leave them out with --on-bad skip. Resume with: "
    "{command}. Another image of its class stands for each that is gone."
)
_REPAIR = (
    "Repair them, and resume with: {command}. Without them it is another run: remove "
    "them, or leave them out with --on-bad skip, and start that under another --name."
)
MAX_SHARE = 0.5  # of the images: more are not damaged files, but a disk that is gone


@contextmanager
def lost_images(run: RunFolder, job: TrainingJob):
    """Look for all images that cannot be read when a run ends at one of them.

    Where each image has one class, they are recorded in its configuration. Then it
    resumes when they are repaired or removed, since the rest of its data can still be
    told from other data. With other targets it resumes when they are repaired.

    Raises:
        DataError: That names them and says how the run resumes.
    """
    try:
        yield
    except OtherDataError:  # nothing was read yet that could be damaged
        raise
    except DataError as error:
        config = job.config
        dataset = job.dataset
        if config.train_images:  # all that `data check` would name, too
            whole = load_trained(dataclasses.asdict(config), **job.task.data_options)
            dataset = dataclasses.replace(whole, unlabelled=dataset.unlabelled)
        lost, reasons = find_lost(dataset)
        count = sum(map(len, {id(s): s for s in dataset.splits.values()}.values()))
        count += len(dataset.unlabelled or ())
        if not 0 < len(lost) <= MAX_SHARE * count or not run.config.is_file():
            raise
        may_be_gone = has_labels(job.dataset.training)
        if may_be_gone:  # by whichever worker meets one; each finds the same
            before = run.read_config()
            kept = dataclasses.replace(before, lost={**before.lost, **lost}).to_yaml()
            may_be_gone = can_be_read(kept)  # for thousands of images, it cannot
            if may_be_gone:
                write_text(run.config, kept)
        lines = shorten(f"{printable(p)}: {why}" for p, why in reasons.items())
        raise DataError(
            f"{len(lost)} of {count} images in {printable(config.data)} cannot be "
            f"read, which ended the run:\n{lines}\n"
            + (_REMEDY if may_be_gone else _REPAIR).format(
                command="swin-keras train --config "
                f"{shlex.quote(path_word(run.config))} --resume"
            )
        ) from error
