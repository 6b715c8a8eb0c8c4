"""Infers the sizes of a checkpoint from its tensors, and of a model from its layers."""

import contextlib
import itertools
import math

from swin_keras.errors import WeightsError
from swin_keras.layers.map_size import as_pair
from swin_keras.layers.windows import fit_window
from swin_keras.models import VARIANTS, SwinConfig, SwinV2Config
from swin_keras.models.layer_names import PATCH_EMBEDDING
from swin_keras.weights.checkpoint import Checkpoint
from swin_keras.weights.layer_sizes import layers_config
from swin_keras.weights.project_config import stated_shapes, stated_sizes
from swin_keras.weights.statements import check_statements

_TABLE = "layers.{}.blocks.0.attn.relative_position_bias_table"
SIZES = ("embed_dim", "depths", "num_heads", "patch_size", "mlp_ratio", "qkv_bias")


def checkpoint_config(checkpoint: Checkpoint) -> SwinConfig:
    """Return the configuration that a checkpoint was made with.

    What tensors do not show, such as the image size, comes from `config.json`
    beside the file, or from the published variant of these sizes.

    Raises:
        WeightsError: If the tensors make no Swin Transformer.
    """
    config_class, sizes = checkpoint_sizes(checkpoint)
    sizes |= checkpoint_windows(checkpoint)
    with _of_a_swin(checkpoint):
        stated = stated_sizes(checkpoint.source.config)
        if checkpoint.is_keras and stated:
            return _agreeing(config_class(**stated), sizes)
        sizes = stated | sizes
        known = VARIANTS.get(published_name(config_class, sizes))
        sizes.setdefault("window_size", (known or config_class()).window_size)
        last_window = _last_window(checkpoint, sizes)
        if known and known.window_size == sizes["window_size"] == last_window:
            image_size = known.input_shape[:2]
            if config_class is SwinV2Config:
                sizes.setdefault("pretrained_window_size", known.pretrained_window_size)
        else:  # one whose last map is one window
            reduction = sizes["patch_size"] * 2 ** (len(sizes["depths"]) - 1)
            image_size = (last_window * reduction,) * 2
        channels = checkpoint.shape("patch_embed.proj.weight")[1]
        height, width = sizes.get("input_shape", image_size)[:2]
        sizes["input_shape"] = (height, width, channels)
        return config_class(**sizes)


def stated_config(checkpoint: Checkpoint) -> SwinConfig | None:
    """Return the configuration of a checkpoint that states sizes; otherwise `None`.

    Raises:
        WeightsError: As `checkpoint_config`.
    """
    with _of_a_swin(checkpoint):
        is_stated = bool(stated_sizes(checkpoint.source.config))
    return checkpoint_config(checkpoint) if is_stated else None


def checkpoint_window_fit(checkpoint: Checkpoint) -> str | None:
    """Return how the code that a checkpoint is from fits windows; see `fit_window`.

    `None` is for weights of this package without their model, which do not say.

    The official code for detection and segmentation, with a `backbone`, never
    shrinks a window; no map of its pictures is that small.
    """
    if checkpoint.is_keras:
        stated = stated_sizes(checkpoint.source.config)
        return stated.get("window_fit", "side") if stated else None
    is_dense = checkpoint.prefix.startswith("backbone.")
    by_map = {"huggingface": True, "official": not is_dense}
    return "map" if by_map.get(checkpoint.format.name) else "side"


def checkpoint_sizes(checkpoint: Checkpoint) -> tuple[type, dict]:
    """Return the class of configuration and the sizes that shapes of tensors show.

    Raises:
        WeightsError: If the tensors make no Swin Transformer.
    """
    with _of_a_swin(checkpoint):
        is_v2 = checkpoint.has("layers.0.blocks.0.attn.logit_scale")
        sizes = _sizes(checkpoint)
        channels = checkpoint.shape("patch_embed.proj.weight")[1]
        told = {"channels": channels, **sizes}
        check_statements(checkpoint.source, told, checkpoint.has("head.weight"))
        stated = stated_shapes(checkpoint.source.config)
        sizes["mlp_ratio"] = stated.get("mlp_ratio", sizes["mlp_ratio"])
        if not is_v2:
            _check_windows(checkpoint, len(sizes["depths"]))
        return (SwinV2Config if is_v2 else SwinConfig), sizes


def checkpoint_windows(checkpoint: Checkpoint) -> dict:
    """Return what tensors and `config.json` say of windows: of V2 perhaps nothing."""
    config_class, sizes = checkpoint_sizes(checkpoint)
    with _of_a_swin(checkpoint):
        stated = stated_sizes(checkpoint.source.config)
        if checkpoint.is_keras:  # its tables are as large as maps allow
            names = ("window_size", "pretrained_window_size")
            return {name: stated[name] for name in names if name in stated}
        if config_class is SwinConfig:
            return {"window_size": _v1_window(checkpoint, stated, sizes["patch_size"])}
        names = ("window_size", "pretrained_window_size")
        told = {name: stated[name] for name in names if name in stated}
        return told | _v2_windows(checkpoint, len(sizes["depths"]))


@contextlib.contextmanager
def _of_a_swin(checkpoint):
    try:
        yield
    except (
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
    ) as error:
        raise WeightsError(
            f"{checkpoint.source.name} must hold a whole Swin Transformer. Its tensors "
            f"make none: {error}"
        ) from error


def _agreeing(config, sizes):
    """Return what a file states of its sizes, if its tensors are of these."""
    for name, told in sizes.items():
        stated = getattr(config, name)
        if name == "mlp_ratio":  # the hidden width is a whole number
            stated, told = (int(config.embed_dim * ratio) for ratio in (stated, told))
        if stated != told:
            raise ValueError(f"{name} is {stated} in words, and {told} in tensors")
    return config


def _sizes(checkpoint):
    embed_dim, _, patch_size, _ = checkpoint.shape("patch_embed.proj.weight")
    overlap = stated_sizes(checkpoint.source.config).get("patch_overlap", 0)
    depths, num_heads = [], []
    while depth := _count_blocks(checkpoint, stage=len(depths)):
        attention = f"layers.{len(depths)}.blocks.0.attn"
        channels = embed_dim * 2 ** len(depths)
        # Before a model of these sizes is built, the file must be that large.
        if checkpoint.shape(f"{attention}.proj.weight") != (channels, channels):
            raise ValueError(f"stage {len(depths) + 1} has not {channels} channels")
        table, scale = (
            f"{attention}.{name}"
            for name in ("relative_position_bias_table", "logit_scale")
        )
        num_heads.append(
            checkpoint.shape(table)[1]
            if checkpoint.has(table)
            else checkpoint.shape(scale)[0]
        )
        depths.append(depth)
    block = "layers.0.blocks.0"
    last = f"layers.{len(depths) - 1}.blocks.0"  # whose hidden width tells the most
    return {
        "embed_dim": embed_dim,
        "patch_size": patch_size - 2 * overlap,
        "depths": tuple(depths),
        "num_heads": tuple(num_heads),
        "mlp_ratio": checkpoint.shape(f"{last}.mlp.fc1.weight")[0] / channels,
        "qkv_bias": checkpoint.has(f"{block}.attn.q.bias")
        or checkpoint.has(f"{block}.attn.q_bias"),
        "patch_norm": checkpoint.has("patch_embed.norm.weight"),
        "position_embedding": checkpoint.has("absolute_pos_embed"),
    }


def _count_blocks(checkpoint, stage):
    blocks = (f"layers.{stage}.blocks.{block}" for block in itertools.count())
    there = itertools.takewhile(
        lambda block: checkpoint.has(f"{block}.norm1.weight"), blocks
    )
    return len(list(there))


def table_window(rows: int) -> int | None:
    """Return the side of the square window whose bias table has so many rows.

    >>> table_window(169), table_window(170)
    (7, None)
    """
    side = math.isqrt(rows)
    return (side + 1) // 2 if side * side == rows and side % 2 else None


def model_config(model) -> SwinConfig:
    """Return the configuration that a model of this package was built with."""
    layers = {layer.name: layer for layer in model.layers}
    return layers_config(
        {name: layer.get_config() for name, layer in layers.items()},
        layers[PATCH_EMBEDDING].input.shape[1:],
    )


def published_name(config_class, sizes: dict) -> str | None:
    """Return the published variant of these sizes; of several, that of the window.

    >>> published_name(SwinConfig, vars(VARIANTS["swin_base_384"]))
    'swin_base_384'
    """
    names = [
        name
        for name, known in VARIANTS.items()
        if type(known) is config_class
        and all(getattr(known, size) == sizes[size] for size in SIZES)
    ]
    window = sizes.get("window_size")
    return max(
        names, key=lambda name: VARIANTS[name].window_size == window, default=None
    )


def _v1_window(checkpoint, stated, patch_size):
    """Infer the window from the bias table, if it is square or as stated.

    Where the first map is lower than the stated window, the table is for the map.
    """
    rows, _ = checkpoint.shape(_TABLE.format(0))
    if window := stated.get("window_size"):
        windows = [as_pair(window)]
        if image_size := stated.get("input_shape", ())[:2]:
            first_map = tuple(-(-side // patch_size) for side in image_size)
            windows.append(fit_window(first_map, window, 0)[0])
        if any(math.prod(2 * side - 1 for side in fit) == rows for fit in windows):
            return window
    window = table_window(rows)
    if window is None:
        raise ValueError("the window of its bias table is not square")
    return window


def _check_windows(checkpoint, stages):
    """Refuse Swin V1 whose stages have windows of their own, such as timm's S3.

    A later window may only be smaller, where the map is: the next map is half of it.
    """
    rows = [checkpoint.shape(_TABLE.format(stage))[0] for stage in range(stages)]
    windows = [table_window(count) for count in rows]
    fits = all(later <= before for before, later in itertools.pairwise(rows))
    if all(windows):  # otherwise sides shrink each on its own
        fits = fits and all(
            before == windows[0] or later == -(-before // 2)
            for before, later in itertools.pairwise(windows)
        )
    if not fits:
        raise WeightsError(
            f"{checkpoint.source.name} has windows of {', '.join(map(str, windows))} "
            "in its stages, and a model of this package has one window for all. Its "
            "answers would be others here."
        )


def _last_window(checkpoint, sizes):
    """Infer the window of the last stage, of V1 by its table."""
    if checkpoint.has(_TABLE.format(0)):
        return _table_window(checkpoint, len(sizes["depths"]) - 1)
    return sizes["window_size"]


def _table_window(checkpoint, stage):
    """Return the side of a stage's window, or the rows of its table if not square."""
    rows, _ = checkpoint.shape(_TABLE.format(stage))
    return table_window(rows) or rows


def _v2_windows(checkpoint, stages):
    """Read windows off the coordinates that official and torchvision files hold."""
    tables = [
        checkpoint.buffer(f"layers.{stage}.blocks.0.attn.relative_coords_table")
        for stage in range(stages)
    ]
    if any(table is None for table in tables):
        return {}
    windows = [(table.shape[1] + 1) // 2 for table in tables]
    # The last coordinate is log8(8 * (window - 1) / (pretrained - 1) + 1).
    pretrained = [
        round(1 + 8 * (window - 1) / (8 ** float(table[0, -1, -1, 0]) - 1))
        for window, table in zip(windows, tables, strict=True)
    ]
    if pretrained == windows:
        pretrained = [0]
    return {
        "window_size": windows[0],
        "pretrained_window_size": tuple(pretrained) if any(pretrained) else 0,
    }
