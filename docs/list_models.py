"""The page of models: each variant with what it costs and what is published.

Parameters, multiply-adds and file sizes are those that `measure_models.py` found.
"""

import json
from pathlib import Path

FIGURES = Path(__file__).with_name("models.json")
# Top-1 accuracy on ImageNet-1k of the checkpoint that `weights="imagenet"` fetches, in
# percent: as its authors published it, and as timm measures it.
ACCURACY = {
    "swin_tiny": (81.2, 81.39),
    "swin_small": (83.2, 83.23),
    "swin_base": (83.5, 83.60),
    "swin_base_384": (84.5, 84.48),
    "swin_large": (86.3, 86.32),
    "swin_large_384": (87.3, 87.14),
    "swinv2_tiny": (81.8, 81.82),
    "swinv2_tiny_window16": (82.8, 82.83),
    "swinv2_small": (83.7, 83.84),
    "swinv2_small_window16": (84.1, 84.22),
    "swinv2_base": (84.2, 84.25),
    "swinv2_base_window16": (84.6, 84.61),
    "swinv2_base_192to256": (86.2, 86.27),
    "swinv2_base_192to384": (87.1, 87.14),
    "swinv2_large": (86.9, 86.93),
    "swinv2_large_192to384": (87.6, 87.47),
}
HEAD = """---
hide: [toc]  # its tables are wide
---

# Models

Each name is a variant: `swin_keras.create_model("swin_tiny")` builds it,
`swin-keras train --model swin_tiny` trains it, `swin-keras info swin_tiny` lists its
parts. The larger ones also have a function with the signature of `keras.applications`
(`SwinTiny`, `SwinV2Base`, ...). Any variant takes any image size
(`input_shape=(300, 200, 3)`) and any number of classes; the figures here are for its
own size and 1,000 classes.

## What they cost

Parameters and multiply-adds as `swin-keras info NAME` counts them; LiteRT files as
`swin-keras export` writes them for one image.{time}
"""
TIME = """ Time is that of one thread for one image, as a multiple of `swin_tiny`'s
float32 file, which takes turns with each: float32, int8. The largest had few turns,
and are known to about a tenth. Times were measured before large masks were stored
apart from the biases, which changed sizes, and at 512 x 512 no time."""
BELOW_COST = """
{left_out}Written by `python docs/measure_models.py`. How fast they run on your machine:
`swin-keras benchmark saved_models/NAME`; how fast Swin-T runs here, beside other
projects: [Performance](performance.md).

`swin_nano` is this package's own, for images of about 32 pixels: three stages, patches
of 2 x 2 pixels, windows of 4 x 4 tokens.

## What is published

`weights="imagenet"` fetches the checkpoint in the last column from the Hugging Face
hub. Accuracies are top-1 on ImageNet-1k, in percent. **This project has not measured
them**: the first is from the model zoo of the
[official code](https://github.com/microsoft/Swin-Transformer), the second from
[timm's results](https://github.com/huggingface/pytorch-image-models/tree/main/results).
What was measured here is that the same weights give the same logits:
[parity](weights.md#parity).
"""
BELOW_PUBLISHED = """
`in22k_ft_in1k`: pretrained on the 22,000 classes of ImageNet, then fine-tuned on the
1,000. Any other checkpoint of the same layouts loads, too; see
[Checkpoints in and out](weights.md).
"""


def page() -> str:
    """Return the page, as Markdown."""
    from swin_keras.models import VARIANTS
    from swin_keras.weights.source import IMAGENET

    figures = json.loads(FIGURES.read_text("utf-8"))
    is_timed = all("times" in one for one in figures.values())
    cost = [
        "| variant | image | window | parameters | multiply-adds "
        "| LiteRT float32 | float16 | int8 |" + " time |" * is_timed,
        "|---|---|---|--:|--:|--:|--:|--:|" + "--:|" * is_timed,
    ]
    for name, config in VARIANTS.items():
        if name in figures:
            cost.append(_cost_row(name, config, figures[name], is_timed))
    missing = [f"`{name}`" for name in VARIANTS if name not in figures]
    left_out = f"Not measured yet: {', '.join(missing)}. " if missing else ""
    published = ["| variant | published | timm | checkpoint |", "|---|--:|--:|---|"]
    for name, checkpoint in IMAGENET.items():
        by_authors, by_timm = ACCURACY[name]
        published.append(
            f"| `{name}` | {by_authors:.1f} | {by_timm:.2f} | `{checkpoint}` |"
        )
    return "\n".join(
        [
            HEAD.format(time=TIME if is_timed else ""),
            *cost,
            BELOW_COST.format(left_out=left_out),
            *published,
            BELOW_PUBLISHED,
        ]
    )


def _cost_row(name, config, figures, is_timed) -> str:
    height, width, _ = config.input_shape
    macs = figures["macs"]
    shown = f"{macs / 1e9:.2f} G" if macs >= 1e8 else f"{macs / 1e6:.1f} M"
    megabytes = (
        f"{figures['bytes'][form] / 1e6:.1f} MB"
        for form in ("litert", "litert-fp16", "litert-int8")
    )
    time = ""
    if is_timed:
        time = f" {', '.join(f'{value:.2g}' for value in figures['times'].values())} |"
    return (
        f"| `{name}` | {height} x {width} | {config.window_size} "
        f"| {figures['parameters']:,} | {shown} | {' | '.join(megabytes)} |{time}"
    )
