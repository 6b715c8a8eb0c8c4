"""The card: what a model file must say about itself, in one JSON."""

import dataclasses
import json
import platform
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import (
    PackageNotFoundError,
    packages_distributions,
    version,
)

from swin_keras.data.grey import check_grey_range
from swin_keras.files import to_json
from swin_keras.model_files.card_fields import require_fields

CLASS_MAPS = "class_maps"  # an output beside the classes: why, place by place
PACKAGES = ("swin-keras", "keras", "tensorflow", "numpy", "pillow")


@dataclass(frozen=True)
class ModelCard:
    """Everything needed to use a model, and to know where it came from.

    Args:
        name: Name of the run or export.
        variant: Name of the variant.
        model: Fields of its `SwinConfig`.
        class_names: Names in the order of the outputs.
        task: What kind of answer the model gives; see `swin_keras.tasks`.
        crop_fraction: Centre crop before resizing, as a share of the image.
        letter_box: Whether a picture keeps its width over height, with black at two
            sides, instead of being stretched; for answers with places.
        grey_range: Values of black and of white in grey images of more than 8 bits;
            `None` for the whole of 16 bits.
        resized_to: Height and width to which the model itself resizes what it takes,
            and which its patches cut; `None` where it does not.
        normalizes: Whether the model itself normalizes images of 0..255; otherwise
            whoever uses it does.
        outputs: Shape of each output of an export by name, without batch.
        train: Fields of the `TrainConfig` it was trained with.
        data: Name, fingerprint and numbers of images of the data set; `held_out` has
            the fingerprints of val and test, by which it is seen later whether they
            are still the same images; `voc_from_zero`, how boxes of Pascal VOC were
            read.
        metrics: What was measured, such as `test_accuracy`.
        checks: What was found out about each exported form.
        litert_batch_size: Images that its LiteRT files take at a time, and no
            others; 0 for any number.
        files: Bytes and SHA-256 of each exported file.
        command: The command that makes the model again.
        versions: Versions of Python and packages.
    """

    name: str
    variant: str
    model: dict
    class_names: tuple[str, ...]
    task: str = "classify"
    crop_fraction: float = 1.0
    letter_box: bool = False
    grey_range: tuple[float, float] | None = None
    resized_to: tuple[int, int] | None = None
    normalizes: bool = True
    outputs: dict = field(default_factory=dict)
    train: dict = field(default_factory=dict)
    data: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    checks: dict = field(default_factory=dict)
    litert_batch_size: int = 1
    files: dict = field(default_factory=dict)
    command: str = ""
    versions: dict = field(default_factory=lambda: installed_versions())

    def __post_init__(self):
        object.__setattr__(self, "class_names", tuple(self.class_names))
        object.__setattr__(self, "grey_range", check_grey_range(self.grey_range))
        object.__setattr__(self, "resized_to", self.resized_to and (*self.resized_to,))

    def to_json(self) -> str:
        """Return the card as JSON; a NaN metric is null."""
        return to_json(dataclasses.asdict(self)) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Read a card; fields that this version does not know are left out.

        What a card says decides which files are read and written, so every
        field is checked here.

        Raises:
            ValueError: If it is not a card; the message says what does not hold.
        """
        try:
            values = json.loads(text)
        except RecursionError:
            raise ValueError("its JSON is nested too deeply") from None
        if not isinstance(values, dict):
            raise ValueError("it must be a JSON object")
        needed = [f.name for f in dataclasses.fields(cls) if _is_required(f)]
        missing = [name for name in needed if name not in values]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        known = {field.name for field in dataclasses.fields(cls)}
        values = {name: values[name] for name in values if name in known}
        require_fields(values)
        if not values["class_names"]:  # cards of before there were tasks
            values.setdefault("task", "features")
        metrics = values.get("metrics", {}).items()
        values["metrics"] = {k: float("nan") if v is None else v for k, v in metrics}
        return cls(**values)


def _is_required(field) -> bool:
    nothing = dataclasses.MISSING
    return field.default is nothing and field.default_factory is nothing


def installed_versions() -> dict[str, str]:
    """Return the versions that decide a model's numbers."""
    packages = {package: installed_version(package) for package in PACKAGES}
    return {"python": platform.python_version(), **packages}


def installed_version(package: str) -> str:
    """Return the version of a package, also of one whose source alone is here.

    Or of one that was installed by another name, such as `tensorflow-cpu`.
    """
    with suppress(PackageNotFoundError):
        return version(package)
    name = package.replace("-", "_")
    with suppress(PackageNotFoundError):
        for other in packages_distributions().get(name, ()):
            return version(other)
    return getattr(sys.modules.get(name), "__version__", "unknown")
