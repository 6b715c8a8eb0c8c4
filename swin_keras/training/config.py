"""TrainConfig: everything that decides a training run, in one flat dataclass."""

import dataclasses
import itertools
import json
import shlex
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from swin_keras.errors import UsageError, nearest_name
from swin_keras.names import check_name
from swin_keras.options import named, option_words, require_unicode, settle_types
from swin_keras.tasks import ANSWERS, check_task, task_named
from swin_keras.training.option_rules import RULES
from swin_keras.training.presets import (
    Preset,
    check_preset,
    default_preset,
    preset_values,
)
from swin_keras.yaml_files import to_yaml

_OF_TEACHERS = (  # options that mean nothing without one
    *("distillation", "teacher_weight", "temperature"),
    *("unlabelled", "teacher_cache"),
)


@named
@dataclass(frozen=True)
class TrainConfig:
    """What to train on, what to train, and how.

    An option that is not given is the preset's; a run's `config.yaml` has them all. The
    defaults train the small variant on scikit-learn's handwritten digits.

    Args:
        task: What the model is to say of an image: "classify" names its class,
            "multi-label" all that it shows of some classes, "segment" the class of each
            pixel, "detect" boxes around objects.
        data: A folder of images, with masks or boxes where the task asks for them; a
            .csv of files and labels; "digits", "fashion_mnist" or "garments"; or the
            name of a set of TensorFlow Datasets. See docs/data.md.
        data_dir: Where named data sets are kept, or the folder of the four IDX
            files of fashion_mnist and garments.
        val_fraction: Share of the images held out to choose the best epoch by, where
            the data has no such split.
        test_fraction: The same for the images that judge the finished model, where
            val is missing, too; 0 lets the val images judge it.
        train_images: Training images to use, about as many of each class as its
            share; 0 for all.
        model: Name of the variant; `swin-keras info` lists them.
        sizes: Fields of SwinConfig to change, such as {"window_size": 7}.
        head: Kind of the head: "mlp", "upernet" or "unet" for segmentation, "light" or
            "full" for detection; by default the task's lightest.
        head_sizes: Fields of the head to change, such as {"channels": 512}.
        auxiliary: Whether to train a small auxiliary head on the map before the last,
            too, as the published segmenters do.
        image_size: Side of the images in pixels, or (height, width); by default
            the variant's own, but at most twice that of small images; for pixels and
            boxes that of the pictures, to 512.
        weights: Where to start from: "imagenet" for the variant's published weights,
            a checkpoint, published or of Keras, the folder of a run or an export, or
            "hf://ORG/NAME"; by default from random weights.
        teacher: A model to learn from, beside the labels: a file or folder as
            `Predictor` takes it, which knows all of its classes and takes images of
            its size; for pixels and boxes a Keras model, whose feature maps teach; see
            docs/distillation.md.
        distillation: What is learned of it: "soft" for its probabilities, "dist" for
            their correlations, "features" for its feature maps; by default "soft", for
            other tasks than "classify" "features".
        teacher_weight: Weight of the teacher's part of the loss: for classes a share,
            of which labels have the rest.
        temperature: Divides the logits of teacher and student; higher is softer.
        unlabelled: A folder of images without labels, at any depth, to learn on from a
            teacher's answers alone, beside the data; for "soft" and "dist". Those that
            are in val or test, too, are left out.
        teacher_cache: Folder in which a teacher's answers are stored, for resuming and
            for other runs on the same images; by default they are not.
        preset: "small" for small images, "published" for Swin's own recipe,
            "finetune" or "linear-probe" for published weights on other classes;
            by default "finetune" with weights, "small" with the small variant,
            else "published". For pixels and boxes "segment" and "detect", the published
            recipes, or "segment-small" and "detect-small" for the small variant.
        name: Name of the run; by default the data's name and a number.
        runs_dir: Folder in which runs are kept.
        epochs: Passes over the training images. With --resume, more than a finished
            run had: it is extended, on a new schedule.
        restarts: Epochs after which the schedule began anew, with a warm-up; what
            such runs have here.
        planned_ends: Epochs to which the parts before `restarts` were scheduled, where
            training stopped early; by default `restarts`.
        batch_size: Images in a step, over all devices; by default the preset's, or
            fewer where the data or the memory are small. "auto" takes the fastest
            that fits into the memory.
        gradient_accumulation_steps: Parts in which a step's images are computed,
            one after the other, to save memory.
        optimizer: "adamw", or "muon", which can need fewer steps from random
            weights.
        learning_rate: Highest learning rate, reached after the warm-up; by default
            the preset's, for the batch size. "auto" tries rates on a few steps.
        min_learning_rate: Learning rate at the end.
        warmup_epochs: Epochs of linear warm-up, which takes a fifth of a run at most;
            `schedule` has the rest.
        weight_decay: Decay of the weights, on matrices only.
        layer_decay: Factor of the learning rate from each block to the one before
            it, 1 for none.
        dice: Weight of the Dice loss beside cross-entropy, in segmentation.
        label_smoothing: Share of the target given to all classes alike.
        clip_norm: Largest global norm of the gradients, 0 for no limit.
        schedule: Learning rate after the warm-up: "cosine", or "linear" to its end.
        ema_momentum: Momentum of an exponential moving average of the weights, 0 for
            none. The averaged weights are validated and kept.
        monitor: What makes an epoch the best, which is kept: the smallest "val_loss"
            or the highest figure of the task, such as "val_accuracy"; by default the
            loss, and "val_map" for boxes.
        early_stopping: Epochs without a better one after which the run ends; 0 never
            ends it early.
        class_weights: "balanced" weighs each class by its rarity in training.
        freeze_stages: How many of the first stages do not learn, nor the patch
            embedding; "all" leaves only the classes' weights.
        scale_range: Smallest and largest random scale of pictures with masks or boxes.
        mosaic: Share of the training pictures with boxes that are put together of four.
        copy_paste: Share of the training pictures with masks onto which the objects of
            another are pasted; "background" is no object.
        letter_box: Whether pictures with boxes keep their aspect ratio and are padded
            with black (letterboxing), instead of being stretched to the input.
        min_crop_area: Smallest random crop, as a share of the image's area.
        crop_ratio: Largest change of a random crop's aspect ratio, 1 for none.
        rotate: Largest random rotation to either side, in degrees.
        shift: Largest random move, as a share of the image's side.
        flip: Whether to mirror images at random, left and right; by default yes, but
            for data sets of digits and letters.
        quarter_turns: Whether to turn images by 0, 90, 180 or 270 degrees at random,
            for those without a natural orientation: from above, or of a microscope.
        blur: Largest standard deviation of a random Gaussian blur, in pixels of the
            input, 0 for none: for models that will see softer pictures than the
            training ones, of other cameras or enlarged.
        white_balance: Largest random change of white in each colour channel for itself,
            as a share of it, and half as much of black, 0 for none: for models that
            will see light of other colours, or haze. Grey pictures have no colours.
        photometric: Whether pictures with masks or boxes change much in brightness,
            contrast, saturation and hue, for models that will see other cameras and
            light than they learn from; by default those with masks.
        rand_augment: Magnitude of RandAugment's two changes, to 10; 0 for none.
        erase: Probability of erasing a random rectangle.
        mixup: Parameter of MixUp's beta distribution, 0 for none.
        cutmix: The same for CutMix. With both, each pair draws which.
        crop_fraction: Centre crop for evaluation and prediction, as a share of
            the image; pictures with masks or boxes are seen whole.
        precision: Keras dtype policy. "mixed_bfloat16" is for devices, CPUs too,
            that have native bfloat16 matmuls. "mixed_float16" only on one device.
        remat: Whether blocks are computed again in the backward pass: slower,
            with less memory.
        strategy: Devices: "auto", "none", "mirrored", "multiworker" or "tpu"; see
            docs/scaling.md.
        workers: Processes that load images, 0 for threads of the trainer; the images
            are the same. "auto" takes as many as there are processor cores where a
            GPU or TPU trains, shared by the workers of a machine, and none on a CPU,
            whose cores train.
        jit_compile: Whether XLA compiles forward and backward pass: training begins
            later, by about ten seconds for Swin-T, and then is faster. By default
            yes, but for bfloat16 on a CPU, for `deterministic` on a GPU, and for the
            heads "mlp" and "upernet" on several devices. On a GPU, or if it is asked
            for, the optimizer's step is compiled, too.
        compile_cache: Whether what XLA compiles is kept in the user's cache folder,
            for the next run. By default where a GPU trains.
        checkpoint_minutes: Minutes between checkpoints.
        tensorboard: Whether to write logs for TensorBoard.
        seed: Seed of weights, sample order and augmentation.
        deterministic: Whether two equal runs on a GPU are the same, bit for bit; it
            is slower there. On a CPU they always are.
        on_bad: What to do about files that are not usable images: "stop" lists
            them, "skip" continues without them.
        label_pattern: Takes the labels from file names: a regular expression with a
            group "label", such as "(?P<label>[a-z]+)_[0-9]+"; see docs/data.md.
        reduce_zero_label: Whether value 0 of files of masks is ignored, and 1 is the
            first class.
        box_format: Format of a folder of boxes that could be read as several: "coco",
            "yolo", "voc" or "labelme".
        grey_range: Values of black and white in grey images of more than 8 bits, such
            as [0, 4095]; the model keeps it. By default [0, 65535].
        follow_links: Whether links that lead out of the data's folder are followed
            anywhere; where they stand for a class or split folder, they are.
        lost: Images that ended the run because they could not be read; what such runs
            have here, to tell their data from others when they resume.
    """

    task: str = "classify"
    data: str = "digits"
    data_dir: str | None = None
    val_fraction: float = 0.1
    test_fraction: float = 0.1
    train_images: int = 0
    model: str = "swin_nano"
    sizes: dict[str, Any] = field(default_factory=dict)
    head: str | None = None
    head_sizes: dict[str, Any] = field(default_factory=dict)
    auxiliary: bool = False
    image_size: int | tuple[int, int] | None = None
    weights: str | None = None
    teacher: str | None = None
    distillation: Literal["soft", "dist", "features"] | None = None
    teacher_weight: float = 0.5
    temperature: float = 1.0
    unlabelled: str | None = None
    teacher_cache: str | None = None
    preset: Preset | None = None
    name: str | None = None
    runs_dir: str = "runs"
    epochs: int | None = None
    restarts: tuple[int, ...] = ()
    planned_ends: tuple[int, ...] = ()
    batch_size: int | Literal["auto"] | None = None
    gradient_accumulation_steps: int = 1
    optimizer: Literal["adamw", "muon"] | None = None
    learning_rate: float | Literal["auto"] | None = None
    min_learning_rate: float | None = None
    warmup_epochs: float | None = None
    weight_decay: float | None = None
    layer_decay: float | None = None
    dice: float = 0.0
    label_smoothing: float | None = None
    clip_norm: float | None = None
    schedule: Literal["cosine", "linear"] | None = None
    ema_momentum: float | None = None
    monitor: str | None = None
    early_stopping: int = 0
    class_weights: Literal["none", "balanced"] = "none"
    freeze_stages: int | Literal["all"] | None = None
    scale_range: tuple[float, float] | None = None
    mosaic: float = 0.0
    copy_paste: float = 0.0
    letter_box: bool = False
    min_crop_area: float | None = None
    crop_ratio: float | None = None
    rotate: float | None = None
    shift: float | None = None
    flip: bool | None = None
    quarter_turns: bool = False
    blur: float = 0.0
    white_balance: float = 0.0
    photometric: bool | None = None
    rand_augment: float | None = None
    erase: float | None = None
    mixup: float | None = None
    cutmix: float | None = None
    crop_fraction: float | None = None
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    remat: bool = False
    strategy: Literal["auto", "none", "mirrored", "multiworker", "tpu"] = "auto"
    workers: int | Literal["auto"] = "auto"
    jit_compile: bool | None = None
    compile_cache: bool | None = None
    checkpoint_minutes: float = 2.0
    tensorboard: bool = True
    seed: int = 0
    deterministic: bool = False
    on_bad: Literal["stop", "skip"] = "stop"
    label_pattern: str | None = None
    reduce_zero_label: bool = False
    box_format: Literal["coco", "yolo", "voc", "labelme"] | None = None
    grey_range: tuple[float, float] | None = None
    follow_links: bool = False
    lost: dict[str, Any] = field(default_factory=dict)

    # Options that were not given, and have their preset's values.
    left_open: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self):
        settle_types(self)
        if self.name is not None:
            check_name(self.name, "A run's name", UsageError)
        self._check_text()
        check_task(self.task)
        if self.preset is None:
            preset = default_preset(self.task, self.model, self.weights)
            object.__setattr__(self, "preset", preset)
        check_preset(self.task, self.preset)
        usual = preset_values(self.preset, self.batch_size)
        left_open = [name for name in usual if getattr(self, name) is None]
        for name in left_open:
            object.__setattr__(self, name, usual[name])
        object.__setattr__(self, "left_open", frozenset(left_open))
        if self.monitor != "val_loss":
            self._check_monitor()
        for hold, names, holds in RULES:
            for name in names:
                value = getattr(self, name)
                if not isinstance(value, str | None) and not holds(value):
                    raise UsageError(f"`{name}` must {hold}. Received: {value}.")
        self._settle_teacher()
        self._check_restarts()

    def _check_restarts(self):
        bounds = (0, *self.restarts, self.epochs)
        if any(one >= two for one, two in itertools.pairwise(bounds)):
            raise UsageError(
                "`restarts` must rise, between 0 and the epochs. Received: "
                f"restarts={list(self.restarts)}, epochs={self.epochs}."
            )
        done, planned = self.restarts, self.planned_ends
        if planned and (
            len(planned) != len(done)
            or any(end < start for start, end in zip(done, planned, strict=True))
        ):
            raise UsageError(
                "`planned_ends` must have an epoch for each of `restarts`, and none "
                f"before it. Received: planned_ends={list(planned)}, "
                f"restarts={list(done)}."
            )

    def _check_text(self):
        """Refuse what `config.yaml` could not tell to other readers of YAML."""
        for name, value in vars(self).items():
            if isinstance(value, str):
                require_unicode(name, value)

    def _settle_teacher(self):
        """Choose what of a teacher is learned; refuse such options without one."""
        if self.teacher is not None:
            if self.distillation is None:
                object.__setattr__(self, "distillation", self.usual_distillation)
            self._check_unlabelled(task_named(self.task).teaching)
            self._check_answers()
            return
        for name in _OF_TEACHERS:
            if getattr(self, name) != getattr(type(self), name):
                raise UsageError(
                    f"`{name}` is for a run with a teacher. Received: "
                    f"{name}={getattr(self, name)!r}. Name one: --teacher MODEL."
                )

    def _check_unlabelled(self, kinds):
        """Refuse images without labels where no teacher answers about them."""
        kinds = [kind for kind in kinds if kind in ANSWERS]
        if self.unlabelled is None or self.distillation in kinds:
            return
        remedy = f"Use --distillation {' or '.join(kinds)}."
        if not kinds:
            remedy = f"The task {self.task!r} learns from no answers: leave it out."
        raise UsageError(
            "`unlabelled` needs a kind that learns from a teacher's answers. Received: "
            f"distillation={self.distillation!r}. {remedy}"
        )

    @property
    def usual(self) -> dict:
        """What its preset says of each of a preset's options."""
        return preset_values(self.preset, self.batch_size)

    @property
    def usual_distillation(self) -> str | None:
        """What of a teacher is learned where nobody says, if the task learns of one."""
        return next(iter(task_named(self.task).teaching), None)

    def _check_answers(self):
        """Refuse options of a teacher's answers where its feature maps are learned."""
        if self.distillation in (None, *ANSWERS):
            return
        for name in ("temperature", "teacher_cache"):
            if getattr(self, name) != getattr(type(self), name):
                raise UsageError(
                    f"`{name}` is for a teacher's answers, and not for its "
                    f"{self.distillation}. Received: {name}={getattr(self, name)!r}. "
                    "Leave it out."
                )

    def _check_monitor(self):
        monitors = task_named(self.task).monitors
        if self.monitor not in monitors:
            raise UsageError(
                f"`monitor` must be one of {', '.join(monitors)}. "
                f"Received: {self.monitor!r}.{nearest_name(self.monitor, monitors)}"
            )

    def to_yaml(self) -> str:
        return to_yaml(dataclasses.asdict(self))

    def to_command(self) -> str:
        """Return the command that trains with this configuration."""
        given = {"task": self.task, "model": self.model, "weights": self.weights}
        preset = TrainConfig(**given, preset=self.preset)
        references = {
            "task": TrainConfig(),
            "model": TrainConfig(),
            "weights": TrainConfig(),
            "preset": TrainConfig(**given),
            "batch_size": preset,
        }
        usual = TrainConfig(**given, preset=self.preset, batch_size=self.batch_size)
        words = ["swin-keras", "train"]
        for option in dataclasses.fields(self):
            value, name = getattr(self, option.name), option.name
            reference = references.get(name, usual)
            if value != getattr(reference, name) and name != "runs_dir":
                text = value if isinstance(value, str) else json.dumps(value)
                words += option_words(name, text)
        return shlex.join(words)

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
        return cls(**values)
