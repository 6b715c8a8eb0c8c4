"""TrainConfig: everything that decides a training run, in one flat dataclass."""

import dataclasses
import json
import shlex
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from swin_keras.errors import UsageError, nearest_name


@dataclass(frozen=True)
class TrainConfig:
    """What to train on, what to train, and how.

    The defaults train the small variant on scikit-learn's handwritten digits.

    Args:
        data: A folder of images, "digits", "fashion_mnist", or the name of any
            image classification set of TensorFlow Datasets.
        data_dir: Where named data sets are kept, or the folder of the four IDX
            files of fashion_mnist.
        model: Name of the variant; `swin-keras info` lists them.
        sizes: Fields of SwinConfig to change, such as {"window_size": 7}.
        image_size: Side of the images in pixels, or (height, width); by default
            the variant's own, but at most twice that of small images.
        name: Name of the run; by default the data's name and a number.
        runs_dir: Folder in which runs are kept.
        epochs: Passes over the training images.
        batch_size: Images in a step.
        learning_rate: Highest learning rate, reached after the warm-up.
        warmup_epochs: Epochs of linear warm-up; the rest is a cosine to zero.
        weight_decay: Decay of AdamW, on matrices only.
        label_smoothing: Share of the target given to all classes alike.
        clip_norm: Largest global norm of the gradients.
        ema_momentum: How slowly the averaged weights follow, 0 for no average. The
            averaged weights are validated and kept.
        min_crop_area: Smallest random crop, as a share of the image's area.
        crop_ratio: Largest stretch of a random crop, 1 for none.
        rotate: Largest random turn to either side, in degrees.
        shift: Largest random move, as a share of the image's side.
        flip: Whether to mirror images at random; by default only where a
            mirrored image keeps its class, so not for digits.
        crop_fraction: Centre crop for evaluation and prediction, as a share of
            the image.
        precision: Keras dtype policy: "float32" or "mixed_bfloat16".
        jit_compile: Whether XLA compiles the training step: about half a minute
            more before the first step, then up to twice as fast.
        seed: Seed of weights, sample order and augmentation.
        on_bad: What to do about files that are not usable images: "stop" lists
            them, "skip" goes on without them.
    """

    data: str = "digits"
    data_dir: str | None = None
    model: str = "swin_nano"
    sizes: dict[str, Any] = field(default_factory=dict)
    image_size: int | tuple[int, int] | None = None
    name: str | None = None
    runs_dir: str = "runs"
    epochs: int = 70
    batch_size: int = 64
    learning_rate: float = 3e-3
    warmup_epochs: float = 5
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    clip_norm: float = 5.0
    ema_momentum: float = 0.0
    min_crop_area: float = 0.6
    crop_ratio: float = 1.2
    rotate: float = 15.0
    shift: float = 0.0
    flip: bool | None = None
    crop_fraction: float = 1.0
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    jit_compile: bool = True
    seed: int = 0
    on_bad: Literal["stop", "skip"] = "stop"

    def __post_init__(self):
        for name in ("epochs", "batch_size", "learning_rate", "clip_norm"):
            if not getattr(self, name) > 0:
                raise UsageError(
                    f"`{name}` must be positive. Received: {getattr(self, name)}."
                )
        for name in ("weight_decay", "warmup_epochs", "rotate", "shift", "seed"):
            if getattr(self, name) < 0:
                raise UsageError(
                    f"`{name}` must not be negative. Received: {getattr(self, name)}."
                )
        for name in ("min_crop_area", "crop_fraction"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(
                    f"`{name}` must be in (0, 1]. Received: {getattr(self, name)}."
                )
        for name in ("label_smoothing", "ema_momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(
                    f"`{name}` must be in [0, 1). Received: {getattr(self, name)}."
                )
        if self.crop_ratio < 1:
            raise UsageError(
                f"`crop_ratio` must be at least 1. Received: {self.crop_ratio}."
            )

    def to_yaml(self) -> str:
        values = dataclasses.asdict(self)
        if isinstance(self.image_size, tuple):
            values["image_size"] = list(self.image_size)
        return yaml.safe_dump(values, sort_keys=False)

    def to_command(self) -> str:
        """Return the command that trains with this configuration."""
        words = ["swin-keras train"]
        for option in dataclasses.fields(self):
            value = getattr(self, option.name)
            default = option.default
            if option.default_factory is not dataclasses.MISSING:
                default = option.default_factory()
            if value != default and option.name != "runs_dir":
                text = value if isinstance(value, str) else json.dumps(value)
                words.append(f"--{option.name} {shlex.quote(text)}")
        return " ".join(words)

    @classmethod
    def from_dict(cls, values: dict) -> "TrainConfig":
        """Make a configuration from a mapping.

        Raises:
            UsageError: If it names an option that does not exist.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise UsageError(
                    f"There is no training option {name!r}.{nearest_name(name, known)}"
                )
        if isinstance(values.get("image_size"), list):
            values = values | {"image_size": tuple(values["image_size"])}
        return cls(**values)
