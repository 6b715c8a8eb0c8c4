"""info and convert: what a model or a checkpoint holds, and in another form."""

import dataclasses
import json
from pathlib import Path

from swin_keras.commands.console import load_tensorflow, make_table, out
from swin_keras.inference import find_model
from swin_keras.model_files import load_keras, read_card


def info(options):
    load_tensorflow()
    if options.name is None:
        return _list_variants(options.json)
    if _is_checkpoint(options.name):
        return _show_checkpoint(options.name, options.json)
    return _show_model(options.name, options.json)


def convert(options):
    load_tensorflow()
    from swin_keras.weights import convert

    names = ("to", "classes", "new_head", "resize", "key")
    chosen = {name: options[name] for name in names if options[name] is not None}
    path = convert(options.source, options.destination, **chosen, **options.sizes)
    out.print(f"written: {path}")
    return 0


def _is_checkpoint(name):
    """Tell a published checkpoint from a variant, and from a model of ours."""
    path = Path(name)
    if name.startswith("hf://"):
        return True
    if path.is_dir():
        return (path / "config.json").is_file()
    return path.is_file() and path.suffix not in (".keras", ".tflite")


def _show_checkpoint(name, as_json):
    from swin_keras.weights import info

    found = info(name)
    if as_json:
        print(json.dumps(found, indent=2))
        return 0
    table = make_table("", "")
    names = found.pop("class_names")
    for key, value in (found | found.pop("config")).items():
        text = f"{value:,}" if key in ("bytes", "parameters") else str(value)
        table.add_row(key.replace("_", " "), text)
    table.add_row("class names", ", ".join(names[:10]) or "none")
    out.print(table)
    return 0


def _show_model(name, as_json):
    from swin_keras.models.summary import summarize

    model, card = _model_and_card(name)
    parts = summarize(model)
    if as_json:
        values = {
            "parts": [dataclasses.asdict(part) for part in parts],
            "card": dataclasses.asdict(card) if card else None,
        }
        print(json.dumps(values, indent=2))
        return 0
    table = make_table("part", "output", "parameters", "million multiply-adds", "")
    for part in parts:
        shape = " x ".join(map(str, part.output_shape))
        macs = f"{part.macs / 1e6:,.2f}"
        table.add_row(part.name, shape, f"{part.parameters:,}", macs, part.detail)
    table.add_section()
    parameters = f"{sum(part.parameters for part in parts):,}"
    macs = f"{sum(part.macs for part in parts) / 1e6:,.2f}"
    table.add_row("all", "", parameters, macs, "")
    out.print(table)
    if card:
        metrics = ", ".join(f"{k} {v:.4g}" for k, v in card.metrics.items())
        out.print(f"{card.name}: {len(card.class_names)} classes; {metrics}")
    return 0


def _list_variants(as_json):
    from swin_keras.models import VARIANTS

    if as_json:
        variants = {k: dataclasses.asdict(v) for k, v in VARIANTS.items()}
        print(json.dumps(variants, indent=2))
        return 0
    table = make_table(
        "variant", "input", "patch", "channels", "depths", "heads", "window"
    )
    for name, config in VARIANTS.items():
        table.add_row(
            name,
            " x ".join(map(str, config.input_shape)),
            f"{config.patch_size}",
            f"{config.embed_dim}",
            ", ".join(map(str, config.depths)),
            ", ".join(map(str, config.num_heads)),
            f"{config.window_size}",
        )
    out.print(table)
    return 0


def _model_and_card(name):
    """Build what a name stands for: a variant, or what a model file holds."""
    from swin_keras.models import SwinClassifier, config_from_dict, create_model

    path = Path(name)
    if not path.exists():
        return create_model(name), None
    file = find_model(path)
    card = read_card(path) or read_card(file)
    if card is None:
        return load_keras(file), None
    config = config_from_dict(card.model)
    return SwinClassifier(config, classes=len(card.class_names)), card
