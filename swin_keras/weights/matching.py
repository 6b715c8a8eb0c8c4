"""Decides, before any number is read, how a checkpoint goes into a model."""

import re
from collections import Counter

from swin_keras.errors import WeightsError
from swin_keras.models import SwinV2Config
from swin_keras.weights.adaptation import Adapted, Adapter
from swin_keras.weights.checkpoint import Checkpoint
from swin_keras.weights.head_mapping import DETAIL_KERNEL, HEADS
from swin_keras.weights.sizes import SIZES, checkpoint_sizes, published_name

_FLOATS = ("float16", "bfloat16", "float32", "float64")


def match(
    checkpoint: Checkpoint, mapping: dict, adapter: Adapter
) -> dict[str, Adapted]:
    """Decide for each tensor of a model how it comes from a checkpoint.

    Args:
        checkpoint: The checkpoint.
        mapping: The tensors of the model, as `tensor_mapping` lists them.
        adapter: What is allowed where shapes differ.

    Returns:
        How each tensor is made, by name.

    Raises:
        WeightsError: If the checkpoint is of another version or size, or tensors are
            missing, unexpected or of a shape that cannot be made to fit.
    """
    _check_kind(checkpoint, adapter.config)
    new = [name for name in mapping if adapter.is_new(name, checkpoint.has(name))]
    wanted = [name for name in mapping if name not in new]
    _check_names(checkpoint, mapping, wanted)
    plan = {name: adapter.begin(name, checkpoint) for name in new}
    misfits = []
    for name in wanted:
        given, shape = checkpoint.shape(name), mapping[name].shape
        plan[name] = adapter.fit(name, given, shape)
        if checkpoint.dtype(name) not in _FLOATS:
            misfits.append(f"{name} is {checkpoint.dtype(name)}, not a float")
        elif plan[name] is None:
            misfits.append(f"{name} is {given}, not {shape}")
    if misfits:
        raise WeightsError(
            f"{checkpoint.source.name} has {len(misfits)} tensors that do not fit: "
            f"{some(misfits)}."
        )
    return plan


def in_words(plan: dict[str, Adapted]) -> list[str]:
    """Return one sentence for each kind of adaptation in a plan."""
    counts = Counter(fit.words for fit in plan.values() if fit.words)
    return [
        f"{words} ({count} tensors)" if count > 1 else words
        for words, count in counts.items()
    ]


def some(names, most=5) -> str:
    """Name the first few, and say how many more there are."""
    names = list(names)
    rest = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _check_kind(checkpoint, config):
    """Refuse a checkpoint of another version or size, in words."""
    config_class, given = checkpoint_sizes(checkpoint)
    wanted = {size: getattr(config, size) for size in SIZES}
    given = {size: given[size] for size in SIZES}
    if _hidden(wanted) == _hidden(given):
        given["mlp_ratio"] = wanted["mlp_ratio"]
    if checkpoint.is_keras and not checkpoint.source.config:  # it tells no overlap
        given["patch_size"] -= 2 * config.patch_overlap
    if config_class is type(config) and given == wanted:
        return
    name = published_name(config_class, given)
    raise WeightsError(
        f"{checkpoint.source.name} is a {_in_words(config_class, given)}; the model is "
        f"a {_in_words(type(config), wanted)}. Build {name or 'these sizes'}, or let "
        "`swin_keras.from_pretrained` build it."
    )


def _hidden(sizes):
    """The MLP's width: of several ratios the same."""
    return sizes["embed_dim"], int(sizes["embed_dim"] * sizes["mlp_ratio"])


def _in_words(config_class, sizes):
    version = "Swin V2" if config_class is SwinV2Config else "Swin"
    sizes = ", ".join(f"{name}={value}" for name, value in sizes.items())
    return f"{version} of {sizes}"


def _check_names(checkpoint, mapping, wanted):
    if missing := [name for name in wanted if not checkpoint.has(name)]:
        only_head = all(
            re.match(r"norm\d?\.", n) or n.startswith(HEADS) for n in missing
        )
        remedy = (
            "Pass `new_head=True` to train a new one" if only_head else "Get it whole"
        )
        raise WeightsError(
            f"{checkpoint.source.name} lacks {len(missing)} tensors of the model: "
            f"{some(missing)}. {remedy}."
        )
    keeps_head = any(name.startswith("decode_head.") for name in wanted)
    if keeps_head and checkpoint.has(DETAIL_KERNEL) and DETAIL_KERNEL not in mapping:
        channels = checkpoint.shape(DETAIL_KERNEL)[0]
        raise WeightsError(
            f"{checkpoint.source.name} adds logits of the image itself, for which the "
            f"model has no place. Build its head with detail_channels={channels}, or "
            "pass `new_head=True` to train a new one."
        )
    _, unexpected = checkpoint.unused(mapping)
    if unexpected:
        raise WeightsError(
            f"{checkpoint.source.name} has {len(unexpected)} tensors that the model "
            f"lacks: {some(unexpected)}. Let `swin_keras.from_pretrained` build the "
            "model that it belongs to."
        )
