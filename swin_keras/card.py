"""The card: what a model file must tell about itself, in one JSON."""

import dataclasses
import json
import platform
from dataclasses import dataclass, field
from importlib.metadata import version

PACKAGES = ("swin-keras", "keras", "tensorflow", "numpy", "pillow")


@dataclass(frozen=True)
class ModelCard:
    """Everything needed to use a model, and to know where it came from.

    Args:
        name: Name of the run or export.
        variant: Name of the variant.
        model: Fields of its `SwinConfig`.
        class_names: Names in the order of the outputs.
        crop_fraction: Centre crop before resizing, as a share of the image.
        normalizes: Whether the model itself normalizes images of 0..255; otherwise
            whoever uses it does.
        outputs: Shape of each output of an export by name, without batch.
        train: Fields of the `TrainConfig` it was trained with.
        data: Name, fingerprint and numbers of images of the data set.
        metrics: What was measured, such as `test_accuracy`.
        checks: What was found out about each exported form.
        files: Bytes and SHA-256 of each exported file.
        command: The command that makes the model again.
        versions: Versions of Python and packages.
    """

    name: str
    variant: str
    model: dict
    class_names: tuple[str, ...]
    crop_fraction: float = 1.0
    normalizes: bool = True
    outputs: dict = field(default_factory=dict)
    train: dict = field(default_factory=dict)
    data: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    checks: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    command: str = ""
    versions: dict = field(default_factory=lambda: installed_versions())

    def __post_init__(self):
        object.__setattr__(self, "class_names", tuple(self.class_names))

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Read a card; fields that this version does not know are left out."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = json.loads(text)
        return cls(**{name: values[name] for name in values if name in known})


def installed_versions() -> dict[str, str]:
    """Return the versions that decide a model's numbers."""
    return {"python": platform.python_version()} | {
        package: version(package) for package in PACKAGES
    }
