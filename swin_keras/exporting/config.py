"""ExportConfig: where an export goes, in which forms, and what checks it."""

from collections.abc import Iterable
from dataclasses import dataclass

from swin_keras.errors import UsageError, nearest_name
from swin_keras.names import check_name, is_printable
from swin_keras.options import named, settle_types

FORMATS = {
    "saved_model": "saved_model/1",
    "litert": "model.tflite",
    "litert-fp16": "model_fp16.tflite",
    "litert-int8": "model_int8.tflite",
    "litert-int8-static": "model_int8_static.tflite",
    "onnx": "model.onnx",
}
DEFAULT_FORMATS = ("saved_model", "litert", "litert-fp16", "litert-int8")


@named
@dataclass(frozen=True)
class ExportConfig:
    """Where an export goes, in which forms, and what it is checked with.

    Args:
        name: Name of the export; by default the run's, with "-features" or "-explain"
            after it where the export is such a one.
        saved_models_dir: Folder in which exports are kept.
        formats: Forms beside model.keras: "saved_model", "litert", "litert-fp16",
            "litert-int8", "litert-int8-static" and "onnx".
        features: Whether to export the stages' feature maps, C2 to C5, for
            detection and segmentation, instead of the classes.
        explain: Whether the forms give, beside the probabilities, each class's map:
            `class_maps`, whose mean over all places is the class's logit.
        class_names: Names of the classes, in the order of the outputs; by default
            those that the model's card tells, else numbers.
        images: Images to compare the forms on; by default the run's samples.
        calibration: Images for litert-int8-static; by default those it was
            trained on.
        test_images: Images of the test split to measure each form's accuracy on,
            where the data is on this machine; 0 for none.
        batch_size: Images that the LiteRT files take at a time; 0 for any number.
        verify: Whether to check the forms.
        overwrite: Whether an earlier export of the same name is replaced.

    Raises:
        UsageError: If there is no such option or format, with the nearest in the
            message; if a value is of another type, or a name cannot be one.
    """

    name: str | None = None
    saved_models_dir: str = "saved_models"
    formats: tuple[str, ...] = DEFAULT_FORMATS
    features: bool = False
    explain: bool = False
    class_names: tuple[str, ...] | None = None
    images: str | None = None
    calibration: str | None = None
    test_images: int = 1000
    batch_size: int = 1
    verify: bool = True
    overwrite: bool = False

    def __post_init__(self):
        if self.name is not None:
            check_name(self.name, "An export's name", UsageError)
        if self.explain and self.features:
            raise UsageError(
                "`explain` adds the maps of classes, and an export of features has no "
                "classes: one of the two must be off. Received: both."
            )
        if self.class_names is not None:
            names = check_class_names(self.class_names)
            object.__setattr__(self, "class_names", names)
        settle_types(self)
        for name in self.formats:
            if name not in FORMATS:
                hint = nearest_name(name, FORMATS)
                if "," in name:
                    hint = " Put blanks between several."
                raise UsageError(
                    f"There is no format {name!r}.{hint} Formats: {', '.join(FORMATS)}."
                )
        for name in ("test_images", "batch_size"):
            if getattr(self, name) < 0:
                raise UsageError(
                    f"`{name}` must be 0 or more. Received: {getattr(self, name)}."
                )


def check_class_names(names) -> tuple[str, ...]:
    """Return class names as a tuple, each fit to be a line of `labels.txt`.

    Raises:
        UsageError: If one is no text, empty, not printable, or there twice.
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise UsageError(f"Class names must be a list. Received: {names!r:.200}.")
    names = tuple(names)
    for index, name in enumerate(names):
        check_printable(name, index)
    if doubles := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(
            "Class names must differ. Received more than once: "
            f"{', '.join(doubles[:5])}. Rename them with --class-names."
        )
    return names


def check_printable(name, index: int):
    """Refuse a class name that is no line of text."""
    if not isinstance(name, str) or not name.strip() or not is_printable(name):
        raise UsageError(
            "A class name must be printable text on one line. "
            f"Received: {name!r:.200} for class {index}. Rename it with "
            "--class-names."
        )
