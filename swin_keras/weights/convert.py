"""From any layout to another, and what a file holds: the logic of two commands."""

from pathlib import Path

import keras

from swin_keras.errors import UsageError, WeightsError, nearest_name
from swin_keras.models import SwinV2Config
from swin_keras.weights.anatomy import checkpoint_config, model_config, published_name
from swin_keras.weights.checkpoint import Checkpoint
from swin_keras.weights.loading import from_pretrained
from swin_keras.weights.saving import save_huggingface, save_timm
from swin_keras.weights.source import find_source
from swin_keras.weights.tensor_file import damaged_file, file_kind

_FOLDERS = {"huggingface": save_huggingface, "timm": save_timm}


def convert(
    source,
    destination,
    to: str | None = None,
    classes: int | None = None,
    new_head: bool | None = None,
    head_rows=None,
    resize: str = "bicubic",
    class_names=None,
    key: str | None = None,
    **sizes,
) -> Path:
    """Convert a checkpoint of any known layout.

    Args:
        source: As in `swin_keras.load_weights`, or a `.keras` file of this package.
        destination: A `.keras` or `.weights.h5` file, or a folder for another
            project. It must not exist, or be an empty folder.
        to: `"keras"`, `"huggingface"` or `"timm"`; `None` is Keras if the
            destination's name says so.
        classes: As in `swin_keras.from_pretrained`.
        new_head: As in `swin_keras.load_weights`.
        head_rows: As in `swin_keras.load_weights`.
        resize: As in `swin_keras.load_weights`.
        class_names: Names of the classes, for a folder.
        key: As in `swin_keras.load_weights`.
        **sizes: Fields of the configuration to change, such as `window_size`.

    Returns:
        The destination.

    Raises:
        UsageError: If the destination is taken or says nothing about the format.
        WeightsError: If the source cannot be used.
    """
    destination = Path(destination)
    keras_file = destination.name.endswith((".keras", ".weights.h5"))
    to = to or ("keras" if keras_file else None)
    if to not in ("keras", *_FOLDERS):
        raise UsageError(
            "`to` must be 'keras', 'huggingface' or 'timm', or the destination end in "
            f".keras or .weights.h5. Received: to={to!r}, {destination}."
            + nearest_name(to or "", ["keras", *_FOLDERS])
        )
    if (to == "keras") != keras_file:
        raise UsageError(
            "Keras writes a file that ends in .keras or .weights.h5, other projects a "
            f"folder. Received: to={to!r}, {destination}."
        )
    if keras_file and destination.exists():
        raise UsageError(f"{destination} exists already. Name another; none is lost.")

    options = {"classes": classes, "new_head": new_head, "head_rows": head_rows}
    options["key"] = key
    model = _open(source, resize=resize, **options, **sizes)
    if to in _FOLDERS:
        return _FOLDERS[to](model, destination, class_names)
    destination.parent.mkdir(parents=True, exist_ok=True)
    if destination.suffix == ".keras":
        model.save(destination)
    else:
        model.save_weights(destination)
    return destination


def info(source) -> dict:
    """Tell what a checkpoint or a `.keras` file holds, from its header.

    Args:
        source: As in `swin_keras.load_weights`.

    Returns:
        `source`, `path`, `bytes`, `format`, `version` (`"Swin"` or `"Swin V2"`),
        `variant` (the published one of these sizes, or `None`), `classes` (`None`
        without a head), `parameters`, `class_names` (may be empty), and the fields of
        the configuration under `config`.

    Raises:
        WeightsError: If the file is missing, damaged or of another kind.
    """
    found = find_source(source)
    if file_kind(found.path) in ("hdf5", "zip"):
        model = _load_keras(found.path)
        config, parameters = model_config(model), model.count_params()
        layout, classes = "keras", None
        if "head" in [layer.name for layer in model.layers]:
            classes = model.get_layer("head").units
    else:
        checkpoint = Checkpoint(found)
        config, parameters = checkpoint_config(checkpoint), checkpoint.num_parameters()
        layout = checkpoint.format.name
        has_head = checkpoint.has("head.weight")
        classes = checkpoint.shape("head.weight")[0] if has_head else None
    return {
        "source": found.name,
        "path": str(found.path),
        "bytes": found.path.stat().st_size,
        "format": layout,
        "version": "Swin V2" if isinstance(config, SwinV2Config) else "Swin",
        "variant": published_name(type(config), vars(config)),
        "classes": classes,
        "parameters": parameters,
        "class_names": _class_names(found.config),
        "config": vars(config),
    }


def _open(source, **options):
    found = find_source(source)
    if file_kind(found.path) not in ("hdf5", "zip"):
        return from_pretrained(source, **options)
    given = [name for name, value in options.items() if value not in (None, "bicubic")]
    if given:
        raise UsageError(
            f"A Keras file is converted as it is. Received: {', '.join(given)}."
        )
    return _load_keras(found.path)


def _load_keras(path):
    if file_kind(path) == "hdf5":
        raise WeightsError(
            f"{path} holds weights without a model. Give the .keras file, or build the "
            "model and use `swin_keras.load_weights`."
        )
    with damaged_file(path):
        return keras.models.load_model(path, compile=False, safe_mode=True)


def _class_names(config) -> list[str]:
    names = config.get("label_names") or list(config.get("id2label", {}).values())
    return [str(name) for name in names]
