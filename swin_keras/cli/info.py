"""info and convert: what a model or a checkpoint holds, and in another form."""

import dataclasses
from pathlib import Path

from swin_keras.cli.console import load_tensorflow, make_table, out
from swin_keras.errors import WeightsError
from swin_keras.files import to_json
from swin_keras.inference.model_paths import find_keras_model
from swin_keras.inference.runtimes import open_model
from swin_keras.model_files import load_keras, read_card
from swin_keras.names import printable

MAX_TENSORS = 20  # of a file of another architecture that are shown


def info(options):
    load_tensorflow()
    if options.name is None:
        return _list_variants(options.json)
    if _is_checkpoint(options.name):
        return _show_checkpoint(options.name, options.json)
    return _show_model(options.name, options.json, options.trust)


def convert(options):
    load_tensorflow()
    from swin_keras.models import SwinV2Config
    from swin_keras.models.words import check_words
    from swin_keras.weights import convert

    sizes = [field.name for field in dataclasses.fields(SwinV2Config)]
    check_words(options.sizes, sizes)
    names = ("to", "classes", "new_head", "resize", "key")
    chosen = {name: options[name] for name in names if options[name] is not None}
    path = convert(options.source, options.destination, **chosen, **options.sizes)
    out.print(f"written: {path}")
    return 0


def _is_checkpoint(name):
    """Distinguish a published checkpoint from a variant, and from a model of ours."""
    from swin_keras.weights.source import HUB_FILES

    path = Path(name)
    if name.startswith("hf://"):
        return True
    if path.is_dir():
        return any((path / file).is_file() for file in ("config.json", *HUB_FILES))
    return path.is_file() and path.suffix not in (".keras", ".tflite", ".onnx")


def _show_checkpoint(name, as_json):
    from swin_keras.weights import info, tensor_shapes

    try:
        found = info(name)
    except WeightsError:  # shown all the same, if they are tensors
        if not as_json:
            _show_tensors(tensor_shapes(name))
        raise
    if as_json:
        print(to_json(found))
        return 0
    table = make_table("", "")
    names = found.pop("class_names")
    for key, value in (found | found.pop("config")).items():
        text = f"{value:,}" if key in ("bytes", "parameters") else str(value)
        table.add_row(key.replace("_", " "), printable(text))
    table.add_row("class names", printable(", ".join(names[:10])) or "none")
    out.print(table)
    return 0


def _show_tensors(shapes):
    table = make_table("tensor", "shape")
    for name, shape in list(shapes.items())[:MAX_TENSORS]:
        table.add_row(printable(name), _by(shape))
    if len(shapes) > MAX_TENSORS:
        table.add_row(f"({len(shapes) - MAX_TENSORS} more)", "")
    out.print(table)


def _show_model(name, as_json, trust):
    from swin_keras.applications import create_model
    from swin_keras.models.summary import summarize

    path = Path(name)
    if path.exists():
        return _show_file(find_keras_model(path), as_json, trust)
    parts = summarize(create_model(name))
    if as_json:
        print(to_json({"parts": _as_dicts(parts), "file": None, "card": None}))
    else:
        _show_parts(parts)
    return 0


def _show_file(file, as_json, trust):
    """Show what a model file is, which its card only claims."""
    from swin_keras.models.summary import summarize

    card = read_card(file)
    if file.suffix == ".keras":
        model = load_keras(file)
        facts = _facts(file, "keras", model.input_shape[1:], {})
        parts = summarize(model)
    else:
        model = open_model(file, trust=trust)
        facts = _facts(file, model.form, model.input_shape, model.outputs)
        parts = []
    if as_json:
        card = card and dataclasses.asdict(card)
        print(to_json({"parts": _as_dicts(parts), "file": facts, "card": card}))
        return 0
    if parts:
        _show_parts(parts)
    else:
        _show_facts(facts)
    if card:
        metrics = ", ".join(f"{k} {v:.4g}" for k, v in card.metrics.items())
        out.print(printable(f"{card.name}: {len(card.class_names)} classes; {metrics}"))
    return 0


def _facts(file, form, takes, gives) -> dict:
    files = file.rglob("*") if file.is_dir() else [file]
    return {
        "path": str(file),
        "form": form,
        "bytes": sum(path.stat().st_size for path in files if path.is_file()),
        "takes": list(takes),
        "gives": {name: list(shape) for name, shape in gives.items()},
    }


def _show_facts(facts):
    table = make_table("", "")
    table.add_row("file", printable(facts["path"]))
    table.add_row("form", facts["form"])
    table.add_row("bytes", f"{facts['bytes']:,}")
    table.add_row("takes images of", _by(facts["takes"]))
    for name, shape in facts["gives"].items():
        table.add_row("gives", printable(f"{name}: {_by(shape)}"))
    out.print(table)


def _show_parts(parts):
    table = make_table("part", "output", "parameters", "million multiply-adds", "")
    for part in parts:
        macs = f"{part.macs / 1e6:,.2f}"
        table.add_row(
            printable(part.name),
            _by(part.output_shape),
            f"{part.parameters:,}",
            macs,
            part.detail,
        )
    table.add_section()
    parameters = f"{sum(part.parameters for part in parts):,}"
    macs = f"{sum(part.macs for part in parts) / 1e6:,.2f}"
    table.add_row("all", "", parameters, macs, "")
    out.print(table)


def _as_dicts(parts):
    return [dataclasses.asdict(part) for part in parts]


def _by(shape) -> str:
    return " x ".join(map(str, shape))


def _list_variants(as_json):
    from swin_keras.models import VARIANTS

    if as_json:
        variants = {k: dataclasses.asdict(v) for k, v in VARIANTS.items()}
        print(to_json(variants))
        return 0
    table = make_table(
        "variant", "input", "patch", "channels", "depths", "heads", "window"
    )
    for name, config in VARIANTS.items():
        table.add_row(
            name,
            _by(config.input_shape),
            f"{config.patch_size}",
            f"{config.embed_dim}",
            ", ".join(map(str, config.depths)),
            ", ".join(map(str, config.num_heads)),
            f"{config.window_size}",
        )
    out.print(table)
    return 0
