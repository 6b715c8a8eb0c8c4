"""SwinConfig: everything that decides a model's shape, in one flat dataclass."""

import dataclasses
from dataclasses import dataclass

from swin_keras.errors import UsageError, nearest_name
from swin_keras.layers.windows import as_pair

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class SwinConfig:
    """Sizes of a Swin Transformer; the defaults are Swin-T's.

    Args:
        input_shape: `(height, width, channels)` of the images, in pixels.
        patch_size: Side of a patch, in pixels.
        patch_overlap: Pixels that a token sees beyond each side of its patch; 0 in
            every published model.
        embed_dim: Channels in stage 1; each further stage has twice as many.
        depths: Blocks in each stage.
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
        remat: Whether blocks are computed again in the backward pass, to save
            memory.
        kernel_initializer: How kernels begin; `None` is the published way, and
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
    remat: bool = False
    kernel_initializer: str | None = None

    def __post_init__(self):
        for name in ("input_shape", "depths", "num_heads"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not isinstance(self.window_size, int):
            object.__setattr__(self, "window_size", as_pair(self.window_size))
        self._check_input_shape()
        self._check_stages()
        if self.patch_overlap < 0:
            raise UsageError(
                f"`patch_overlap` must be at least 0. Received: {self.patch_overlap}."
            )
        if min(as_pair(self.window_size)) < 1:
            raise UsageError(
                f"`window_size` must be at least 1. Received: {self.window_size}."
            )
        for name in ("dropout_rate", "attention_dropout_rate", "drop_path_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(
                    f"`{name}` must be in [0, 1). Received: {getattr(self, name)}."
                )

        if self.remat and (self.dropout_rate or self.attention_dropout_rate):
            raise UsageError(
                "`remat` would draw other dropout in the backward pass: one of them "
                f"must be off. Received: dropout_rate={self.dropout_rate}, "
                f"attention_dropout_rate={self.attention_dropout_rate}."
            )

    def _check_input_shape(self):
        shape = self.input_shape
        if len(shape) != 3 or None in shape or min(shape) < 1:
            raise UsageError(
                "`input_shape` must be (height, width, channels), three known sizes. "
                f"Received: input_shape={shape}."
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
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise UsageError(
                    f"A Swin model has no size {name!r}.{nearest_name(name, known)} "
                    f"Sizes: {', '.join(known)}."
                )
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

    Args:
        pretrained_window_size: Window in which the weights measure offsets, one
            number or one for each stage; 0 is `window_size`. Published models
            fine-tuned at a larger window name the smaller one here.
        **fields: Those of `SwinConfig`.

    Raises:
        UsageError: If the sizes cannot make a model; the message says which.
    """

    input_shape: tuple[int, int, int] = (256, 256, 3)
    window_size: int | tuple[int, int] = 8
    pretrained_window_size: int | tuple[int, ...] = 0

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.pretrained_window_size, int):
            windows = tuple(self.pretrained_window_size)
            object.__setattr__(self, "pretrained_window_size", windows)
        windows = self.pretrained_windows
        if len(windows) != len(self.depths) or min(windows) < 0:
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
