"""The README of an exported model."""

from swin_keras.card import ModelCard


def describe(card: ModelCard) -> str:
    """Return the README of an exported model, in Markdown."""
    height, width, channels = card.model["input_shape"]
    names = ", ".join(card.class_names[:20])
    more = len(card.class_names) - 20
    measured = "\n".join(
        f"| {name.replace('_', ' ')} | {value:.4g} |"
        for name, value in card.metrics.items()
    )
    parity = "\n".join(
        f"| `{form}` | {value:.1e} |"
        for form, value in card.parity.items()
        if form != "images"
    )
    return f"""# {card.name}

`{card.variant}`, {height} x {width} x {channels}, {len(card.class_names)} classes:
{names}{f" and {more} more" if more > 0 else ""}.

Trained on {card.data.get("name", "unknown data")}. Made by:

    {card.command}

| measured | |
|---|---|
{measured}

| file | largest difference of a probability to `model.keras` |
|---|---|
{parity}

Each file takes images as they are, 0..255, `(batch, {height}, {width}, {channels})`, and
gives probabilities in the order of `labels.txt`. Mean and standard deviation are
inside. Images of another size are cut to the same aspect ratio around the centre
(share kept: {card.crop_fraction}) and resized, bicubic with antialiasing.

    swin-keras predict {card.name} image.jpg
"""
