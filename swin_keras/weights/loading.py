"""Loads weights into a model: everything is checked, then read, then set."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swin_keras.errors import UsageError
from swin_keras.models.conventions import require_no_lora
from swin_keras.names import as_names
from swin_keras.weights.adaptation import Adapter, read_head_rows
from swin_keras.weights.checkpoint import Checkpoint, open_checkpoint
from swin_keras.weights.dense_heads import is_exported_detector
from swin_keras.weights.differences import differences, scaling
from swin_keras.weights.head_mapping import CLASS_WEIGHTS, HEAD_BODIES, HEADS
from swin_keras.weights.matching import in_words, match, some
from swin_keras.weights.normalization import follow_normalization
from swin_keras.weights.project_config import stated_class_names
from swin_keras.weights.sizes import stated_config
from swin_keras.weights.source import find_source
from swin_keras.weights.tensor_mapping import tensor_mapping

_log = logging.getLogger("swin_keras.weights")


@dataclass(frozen=True)
class LoadReport:
    """What came of loading a checkpoint.

    Args:
        source: What was loaded.
        format: Its layout.
        loaded: How many tensors were set, of how many in the model.
        adapted: What was made to fit or left as it was, one sentence each.
        unused: Tensors of the file that the model has no place for.
    """

    source: str
    format: str
    loaded: tuple[int, int]
    adapted: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def __str__(self):
        loaded, wanted = self.loaded
        lines = [f"{self.source} ({self.format}): {loaded} of {wanted} tensors"]
        lines += self.adapted
        if self.unused:
            lines.append(f"not used: {some(self.unused)}")
        return "\n  ".join(lines)


def load_weights(
    model,
    source,
    *,
    class_names: Sequence[str] | None = None,
    new_head: bool | None = None,
    head_rows=None,
    resize: str = "bicubic",
    variant: str | None = None,
    key: str | None = None,
) -> LoadReport:
    """Load a checkpoint of any known layout, or a trained model, into a model.

    No weight is read before all names, shapes and dtypes fit, and none is set
    before all are read. What had to be adapted is logged and reported.

    Args:
        model: A classifier, backbone, segmenter or detector of this package.
        source: A file, a folder, `hf://ORG/NAME[@REVISION]` or `"imagenet"`; see
            `find_source`.
        class_names: Names of the model's classes, in order. Where the source names
            its own, the rows of its head follow the names: each class that both
            have is kept, wherever it stands, and the others are new.
        new_head: Whether the head stays as the model has it. `None`: only for
            classes that the file has not; `True`: always, as for a file of
            detection or pretraining, which has none; `False`: never.
        head_rows: For each class of the model, its row in the file's head: numbers
            or a text file of them, as published for ImageNet-22k to 1k.
        resize: How bias tables are resized to another window: `"bicubic"` as the
            official code does it, or `"geometric"` as timm does.
        variant: The variant for which `"imagenet"` asks.
        key: Which of several sets of weights in a file, such as `"model_ema"`; `None`
            takes plain weights before averages of them, and says so.

    Returns:
        A `LoadReport`; print it.

    Raises:
        WeightsError: If the file is missing, damaged, of another kind, or does not
            belong to the model; tensors at fault are listed.
        UsageError: If `class_names` are not as many as the model's classes.
    """
    checkpoint = _open_for(tensor_mapping(model), source, variant, key)
    return load_checkpoint(
        model, checkpoint, class_names, new_head=new_head, rows=head_rows, resize=resize
    )


def load_start(model, source, *, class_names, variant: str | None = None) -> LoadReport:
    """Load a checkpoint that training starts from, into a model.

    As `load_weights`, except that a file without a head, as detection's and
    pretraining's are, leaves the model's own: training is what makes it.
    """
    mapping = tensor_mapping(model)
    checkpoint = _open_for(mapping, source, variant)
    heads = [name for name in mapping if name.startswith(HEADS)]
    new_head = None if any(map(checkpoint.has, heads)) else True
    return load_checkpoint(
        model, checkpoint, class_names, new_head=new_head, rows=None, resize="bicubic"
    )


def _open_for(mapping, source, variant, key=None) -> Checkpoint:
    """Open a checkpoint for the model of which these are the tensors."""
    _, channels, side, _ = mapping["patch_embed.proj.weight"].shape
    return Checkpoint(find_source(source, variant), (side, channels), key)


def classes_of(source, variant: str | None = None, patches=None) -> int | None:
    """Return how many classes the head of a checkpoint has; `None` without a head.

    Args:
        source: As in `load_weights`.
        variant: As in `load_weights`.
        patches: Side and channels of the kernel that embeds patches, which weights
            alone do not always tell.

    Raises:
        WeightsError: If the file is missing, damaged or of another kind.
    """
    checkpoint = open_checkpoint(source, variant, patches=patches)
    if not checkpoint.has("head.weight"):
        return None
    return checkpoint.shape("head.weight")[0]


def load_checkpoint(
    model, checkpoint: Checkpoint, class_names, *, new_head, rows, resize
) -> LoadReport:
    """Load an open checkpoint; the arguments are those of `load_weights`."""
    mapping = tensor_mapping(model)
    require_no_lora(model, "Weights are loaded before `enable_lora` is called.")
    source = checkpoint.source
    adapter = Adapter(
        model,
        mapping,
        resize=resize,
        head_rows=read_head_rows(rows),
        new_head=_has_new_head(checkpoint, mapping, new_head),
        class_names=_names_of(mapping, class_names),
        given=stated_config(checkpoint),
        given_names=stated_class_names(source.config),
        source=source.name,
        is_exported=is_exported_detector(checkpoint),
    )
    plan = match(checkpoint, mapping, adapter)
    if own := scaling(model):
        plan = follow_normalization(checkpoint, adapter.config, plan, own)
    _assign(checkpoint, mapping, plan)
    report = LoadReport(
        source=source.name,
        format=checkpoint.format.name,
        loaded=(sum(fit.apply is not None for fit in plan.values()), len(mapping)),
        adapted=(
            *checkpoint.choice(),
            *in_words(plan),
            *differences(checkpoint, adapter),
        ),
        unused=tuple(checkpoint.unused(mapping)[0]),
    )
    is_dropped = checkpoint.is_keras and any(n.startswith("/") for n in report.unused)
    if report.adapted or is_dropped:
        _log.warning("%s", report)
    return report


def _names_of(mapping, class_names) -> tuple[str, ...]:
    """Return the names of the model's classes, if they are as many as these."""
    names = as_names(class_names)
    heads = (name for name in CLASS_WEIGHTS if name in mapping)
    classes = next((mapping[name].shape[0] for name in heads), len(names))
    if names and len(names) != classes:
        raise UsageError(
            f"`class_names` must name each of the model's {classes} classes. "
            f"Received: {len(names)} names."
        )
    return names


def _has_new_head(checkpoint, mapping, new_head) -> bool | None:
    """Return whether a head is new: a segmenter's also if the file has another kind."""
    bodies = [name for name in mapping if name.startswith(HEAD_BODIES)]
    if new_head is None and bodies:
        return not any(checkpoint.has(name) for name in bodies) or None
    return new_head


def _assign(checkpoint, mapping, plan):
    """Read all that the plan names, then set it, so that an error leaves no half."""
    arrays = {}
    for name, fit in plan.items():
        if fit.apply is None:
            continue
        mapped = mapping[name]
        variable, array = arrays.setdefault(
            id(mapped.variable),
            (mapped.variable, np.zeros(mapped.variable.shape, mapped.variable.dtype)),
        )
        array[mapped.index] = mapped.to_keras(
            fit.apply(checkpoint.read(fit.source or name))
        )
    for variable, array in arrays.values():
        variable.assign(array)
