"""SwinConfig: everything that decides a model's shape, in one flat dataclass."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from swin_keras.errors import UsageError
from swin_keras.layers.initialization import make_initializer
from swin_keras.layers.map_size import as_pair
from swin_keras.layers.windows import WINDOW_FITS, fit_window
from swin_keras.models.words import check_words

RATES = ("dropout_rate", "attention_dropout_rate", "drop_path_rate")
MAX_BLOCKS = 512  # Keras walks through a model by recursion, which Python limits
SWITCHES = ("qkv_bias", "patch_norm", "position_embedding", "mask_padding", "remat")


@dataclass(frozen=True)
class SwinConfig:
    """Sizes of a Swin Transformer; the defaults are Swin-T's.

    Args:
        input_shape: `(height, width, channels)` of the images, in pixels.
        patch_size: Side of a patch, in pixels.
        patch_overlap: Pixels that a token sees beyond each side of its patch; 0 in
            every published model.
        embed_dim: Channels in stage 1; each further stage has twice as many.
        depths: Blocks in each stage, at most 512 in all.
        num_heads: Attention heads in each stage.
        window_size: Side of a window in tokens, or `(height, width)`.
        mlp_ratio: Width of the MLP's hidden layer, in channels of its stage.
        qkv_bias: Whether query, key and value have a bias.
        patch_norm: Whether a layer normalization follows the patch embedding.
        position_embedding: Whether a learned vector for each place is added to
            the patches; off in every published classifier.
        dropout_rate: Dropout after the patch embedding, projections and MLPs.
        attention_dropout_rate: Dropout on attention weights.
        drop_path_rate: Drop path of the last block; it grows linearly from 0.
        mask_padding: Whether padding is masked; `False` for the numbers of
            torchvision, Hugging Face and the published detection code.
        window_fit: How a window fits a map that is no larger than it on one side
            only: `"side"` shrinks it and stops the shift on that side, as timm and
            torchvision do; `"map"` on both, as the official code and Hugging Face
            do. Only pictures that are not square can differ.
        remat: Whether blocks are computed again in the backward pass, to save
            memory.
        kernel_initializer: Initializer of kernels; `None` is the published way, and
            "glorot_normal" learns faster in narrow models.

    Raises:
        UsageError: If the sizes cannot make a model; the message says which.
    """

    input_shape: tuple[int, int, int] = (224, 224, 3)
    patch_size: int = 4
    patch_overlap: int = 0
    embed_dim: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (3, 6, 12, 24)
    window_size: int | tuple[int, int] = 7
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    patch_norm: bool = True
    position_embedding: bool = False
    dropout_rate: float = 0.0
    attention_dropout_rate: float = 0.0
    drop_path_rate: float = 0.1
    mask_padding: bool = True
    window_fit: str = "side"
    remat: bool = False
    kernel_initializer: str | None = None

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = _plain(getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        self._check_types()
        self._check_input_shape()
        self._check_stages()
        if min(as_pair(self.window_size)) < 1:
            raise UsageError(
                f"`window_size` must be at least 1. Received: {self.window_size}."
            )
        for name in RATES:
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(
                    f"`{name}` must be in [0, 1). Received: {getattr(self, name)}."
                )

        if self.window_fit not in WINDOW_FITS:
            raise UsageError(
                f"`window_fit` must be one of {', '.join(map(repr, WINDOW_FITS))}. "
                f"Received: {self.window_fit!r}."
            )
        if self.remat and (self.dropout_rate or self.attention_dropout_rate):
            raise UsageError(
                "`remat` would draw other dropout in the backward pass: one of them "
                f"must be off. Received: dropout_rate={self.dropout_rate}, "
                f"attention_dropout_rate={self.attention_dropout_rate}."
            )

    def _check_types(self):
        least = {"patch_size": 1, "patch_overlap": 0, "embed_dim": 1}
        for name, low in least.items():
            value = getattr(self, name)
            if not _is_whole(value) or value < low:
                raise UsageError(
                    f"`{name}` must be a whole number, at least {low}. "
                    f"Received: {value!r}."
                )
        for name in ("mlp_ratio", *RATES):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise UsageError(f"`{name}` must be a number. Received: {value!r}.")
        for name in SWITCHES:
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise UsageError(
                    f"`{name}` must be True or False. Received: {value!r}."
                )
        try:
            make_initializer(self.kernel_initializer)
        except (TypeError, ValueError):
            raise UsageError(
                "`kernel_initializer` must be one that Keras knows, such as "
                f'"glorot_normal". Received: {self.kernel_initializer!r}.'
            ) from None
        hidden = self.mlp_ratio * self.embed_dim
        if not math.isfinite(hidden) or hidden < 1:
            raise UsageError(
                "`mlp_ratio` must leave at least one unit in a block's hidden layer. "
                f"Received: mlp_ratio={self.mlp_ratio}, embed_dim={self.embed_dim}."
            )
        for name in ("depths", "num_heads"):
            numbers = getattr(self, name)
            if not isinstance(numbers, tuple) or not all(map(_is_whole, numbers)):
                raise UsageError(
                    f"`{name}` must be whole numbers, one for each stage. "
                    f"Received: {numbers!r}."
                )
        window = self.window_size
        sides = window if isinstance(window, tuple) else (window, window)
        if len(sides) != 2 or not all(map(_is_whole, sides)):
            raise UsageError(
                "`window_size` must be a whole number or (height, width). "
                f"Received: {window!r}."
            )

    def _check_input_shape(self):
        shape = self.input_shape
        if isinstance(shape, tuple) and len(shape) == 3 and None in shape:
            raise UsageError(
                "`input_shape` must be (height, width, channels), three known sizes: "
                "windows and their masks are computed when the model is built. "
                f"Received: {shape}. Resize the images to one size, or build a model "
                "for each size and hand the weights on with `set_weights`."
            )
        is_shape = isinstance(shape, tuple) and len(shape) == 3
        if not is_shape or not all(map(_is_whole, shape)) or min(shape) < 1:
            raise UsageError(
                "`input_shape` must be (height, width, channels), three known sizes. "
                f"Received: input_shape={shape!r}."
            )
        if min(shape[:2]) < self.patch_size:
            raise UsageError(
                "Images must be at least one patch high and wide. Received: "
                f"input_shape={shape}, patch_size={self.patch_size}."
            )

    def _check_stages(self):
        if len(self.depths) != len(self.num_heads) or not self.depths:
            raise UsageError(
                "`depths` and `num_heads` must name the same stages. Received: "
                f"depths={self.depths}, num_heads={self.num_heads}."
            )
        blocks = sum(max(depth, 1) for depth in self.depths)
        if blocks > MAX_BLOCKS:
            raise UsageError(
                f"`depths` must be at most {MAX_BLOCKS} blocks in all stages together. "
                f"Received: depths={self.depths!s:.100}, which are {blocks}."
            )
        stages = zip(self.depths, self.num_heads, self.stage_channels, strict=True)
        for stage, (depth, heads, channels) in enumerate(stages, start=1):
            if depth < 1 or heads < 1 or channels % heads:
                raise UsageError(
                    "Each stage needs at least one block and a number of heads that "
                    f"divides its channels. Received: stage {stage} with "
                    f"depth={depth}, num_heads={heads}, channels={channels}."
                )

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return tuple(self.embed_dim * 2**stage for stage in range(len(self.depths)))

    @property
    def stage_sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of each stage's feature map, in tokens."""
        rows, columns = (-(-side // self.patch_size) for side in self.input_shape[:2])
        return tuple(
            (-(-rows // 2**stage), -(-columns // 2**stage))
            for stage in range(len(self.depths))
        )

    @property
    def window_fit_matters(self) -> bool:
        """Whether `window_fit` changes a window or a shift of this model."""
        window = as_pair(self.window_size)
        shift = tuple(side // 2 for side in window)
        return any(
            fit_window(size, window, shift if depth > 1 else 0, "side")
            != fit_window(size, window, shift if depth > 1 else 0, "map")
            for size, depth in zip(self.stage_sizes, self.depths, strict=True)
        )

    @property
    def block_drop_path_rates(self) -> tuple[float, ...]:
        """Drop path rate of each block, from 0 to `drop_path_rate`."""
        last = sum(self.depths) - 1
        return tuple(
            self.drop_path_rate * block / max(last, 1) for block in range(last + 1)
        )

    def stage_options(self, stage: int) -> dict:
        """Return what only blocks of this version take, for a stage from 1."""
        return {}

    def replace(self, **changes) -> "SwinConfig":
        """Return a copy with some fields changed."""
        check_words(changes, [field.name for field in dataclasses.fields(self)])
        try:
            return dataclasses.replace(self, **changes)
        except TypeError as error:
            raise UsageError(
                f"Sizes must be numbers, or several of them. Received: {changes} "
                f"({error})."
            ) from error


@dataclass(frozen=True)
class SwinV2Config(SwinConfig):
    """Sizes of a Swin Transformer V2; the defaults are SwinV2-T's.

    It has the fields of `SwinConfig`, and one more.

    Args:
        pretrained_window_size: Window in which the weights measure offsets, one
            number or one for each stage; 0 is `window_size`. Published models
            fine-tuned at a larger window name the smaller one here.

    Raises:
        UsageError: If the sizes cannot make a model; the message says which.
    """

    input_shape: tuple[int, int, int] = (256, 256, 3)
    window_size: int | tuple[int, int] = 8
    pretrained_window_size: int | tuple[int, ...] = 0

    def __post_init__(self):
        super().__post_init__()
        windows = self.pretrained_windows
        is_of_stages = isinstance(windows, tuple) and len(windows) == len(self.depths)
        if not is_of_stages or not all(_is_whole(n) and n >= 0 for n in windows):
            raise UsageError(
                "`pretrained_window_size` must be one number, at least 0, or one for "
                f"each stage. Received: {self.pretrained_window_size} for "
                f"{len(self.depths)} stages."
            )

    @property
    def pretrained_windows(self) -> tuple[int, ...]:
        """Pretrained window of each stage."""
        windows = self.pretrained_window_size
        return (windows,) * len(self.depths) if isinstance(windows, int) else windows

    def stage_options(self, stage: int) -> dict:
        return {"pretrained_window_size": self.pretrained_windows[stage - 1]}


def config_from_dict(fields: dict) -> SwinConfig:
    """Rebuild a configuration from `dataclasses.asdict`: its fields tell its class.

    >>> type(config_from_dict(dataclasses.asdict(SwinV2Config()))).__name__
    'SwinV2Config'
    """
    is_v1 = fields.keys() <= {field.name for field in dataclasses.fields(SwinConfig)}
    return (SwinConfig if is_v1 else SwinV2Config)().replace(**fields)


def _plain(value):
    """Return Python's own numbers for NumPy's, and tuples for lists.

    So that a configuration can be compared, and written as JSON.
    """
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value


def _is_whole(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
