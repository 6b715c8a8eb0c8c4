"""Make fcos.npz: torchvision's FCOS on tensors of ours.

    python make_fcos.py

Needs the extra `parity`. Targets, losses and post-processing are called on points
of our own, as anchors of the size of their stride around them; the pyramid and
the head have random weights, and go in with them.
"""

from collections import OrderedDict
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torchvision.models.detection import _utils, fcos
from torchvision.ops import generalized_box_iou_loss
from torchvision.ops.feature_pyramid_network import (
    FeaturePyramidNetwork,
    LastLevelP6P7,
)

STRIDES = (8, 16, 32, 64, 128)
SIZE = (96, 128)
CLASSES = 3
CODER = _utils.BoxLinearCoder(normalize_by_size=True)


def main():
    torch.manual_seed(0)
    arrays = {**outputs(), **targets()}
    arrays |= losses(arrays) | detections(arrays) | network()
    path = Path(__file__).with_name("fcos.npz")
    np.savez_compressed(path, **arrays)
    print(f"{path}: {path.stat().st_size} bytes")


def anchors():
    """Return each level's anchors: squares of the stride around its points."""
    levels = []
    for stride in STRIDES:
        rows, columns = (-(-side // stride) for side in SIZE)
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        start = torch.stack([x, y], -1).reshape(-1, 2) * float(stride)
        levels.append(torch.cat([start, start + stride], -1))
    return levels


def outputs():
    """Return random outputs of a head for two pictures."""
    points = sum(len(level) for level in anchors())
    # Rounded to what few bytes hold.
    logits = (torch.randn(2, points, CLASSES) * 2).half().float()
    return {
        "logits": logits.numpy(),
        "distances": (torch.rand(2, points, 4) * 6).half().float().numpy(),
        "centerness": torch.randn(2, points, 1).half().float().numpy(),
    }


def targets():
    """Return boxes of one picture: large, small, one in another, one off its points."""
    boxes = [
        [3, 5, 125, 90],
        [10, 12, 40, 60],
        [12, 20, 34, 44],
        [70, 8, 118, 50],
        [60, 60, 90, 94],
        [100, 70, 112, 84],
        [0, 0, 9, 11],
        [45.5, 30.25, 66, 58.75],
        [41, 41, 43, 43],
    ]
    return {
        "boxes": np.array(boxes, "float32"),
        "classes": np.array([0, 1, 2, 1, 0, 2, 1, 0, 2]),
    }


def losses(arrays):
    """Return the assignment and the sums of losses of both pictures, one empty."""
    seen = {}
    levels = anchors()
    given = [
        {
            "boxes": torch.tensor(arrays["boxes"]),
            "labels": torch.tensor(arrays["classes"]),
        },
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)},
    ]
    raw = {
        "cls_logits": torch.tensor(arrays["logits"]),
        "bbox_regression": torch.tensor(arrays["distances"]),
        "bbox_ctrness": torch.tensor(arrays["centerness"]),
    }

    def keep(targets, head_outputs, anchors, matched_idxs):
        seen["matched"] = matched_idxs
        return fcos.FCOSHead.compute_loss(
            SimpleNamespace(box_coder=CODER), targets, raw, anchors, matched_idxs
        )

    model = SimpleNamespace(
        center_sampling_radius=1.5, head=SimpleNamespace(compute_loss=keep)
    )
    everywhere = torch.cat(levels)
    counts = [len(level) for level in levels]
    means = fcos.FCOS.compute_loss(model, given, raw, [everywhere] * 2, counts)
    matched = torch.stack(seen["matched"])
    positives = (matched >= 0).sum()
    sums = {name: value * positives for name, value in means.items()}

    is_object = matched[0] >= 0
    own = given[0]["boxes"][matched[0][is_object]]
    edges = CODER.encode(everywhere[is_object], own)
    central = torch.sqrt(
        (edges[:, [0, 2]].min(1)[0] / edges[:, [0, 2]].max(1)[0])
        * (edges[:, [1, 3]].min(1)[0] / edges[:, [1, 3]].max(1)[0])
    )
    predicted = CODER.decode(
        raw["bbox_regression"][0][is_object], everywhere[is_object]
    )
    distant = generalized_box_iou_loss(predicted, own, reduction="none")
    return {
        "matched": matched.numpy(),
        "positives": positives.numpy(),
        "loss_scores": sums["classification"].numpy(),
        "loss_boxes": sums["bbox_regression"].numpy(),
        "loss_centerness": sums["bbox_ctrness"].numpy(),
        "loss_central_boxes": (distant * central).sum().numpy(),
        "centralities": central.numpy(),
    }


def detections(arrays):
    """Return what is found in both pictures, with limits that bite."""
    levels = anchors()
    counts = [len(level) for level in levels]
    model = SimpleNamespace(
        score_thresh=0.3,
        topk_candidates=60,
        nms_thresh=0.6,
        detections_per_img=40,
        box_coder=CODER,
    )
    split = {
        "cls_logits": torch.tensor(arrays["logits"]).split(counts, 1),
        "bbox_regression": torch.tensor(arrays["distances"]).split(counts, 1),
        "bbox_ctrness": torch.tensor(arrays["centerness"]).split(counts, 1),
    }
    found = fcos.FCOS.postprocess_detections(model, split, [levels] * 2, [SIZE] * 2)
    return {
        f"found_{name}_{index}": value.numpy()
        for index, picture in enumerate(found)
        for name, value in picture.items()
    }


def network():
    """Return a pyramid and a head without norms, their weights and what they give."""
    sizes = {"C3": (5, (7, 9)), "C4": (6, (4, 5)), "C5": (7, (2, 3))}
    maps = OrderedDict(
        (name, torch.randn(1, channels, *size))
        for name, (channels, size) in sizes.items()
    )
    channels = [channels for channels, _ in sizes.values()]
    pyramid = FeaturePyramidNetwork(channels, 4, LastLevelP6P7(4, 4))
    norm = partial(torch.nn.Identity)
    heads = {
        "class": fcos.FCOSClassificationHead(4, 1, 2, 2, norm_layer=norm),
        "box": fcos.FCOSRegressionHead(4, 1, 2, norm_layer=norm),
    }
    parts = {"pyramid": pyramid, **heads}
    with torch.no_grad():
        for part in parts.values():
            for weight in part.parameters():
                weight.copy_(torch.randn(weight.shape) * 0.3)
        levels = pyramid(maps)
        scores = heads["class"](list(levels.values()))
        edges, centerness = heads["box"](list(levels.values()))
    arrays = {f"map_{name}": x.permute(0, 2, 3, 1).numpy() for name, x in maps.items()}
    for part, module in parts.items():
        for name, weight in module.state_dict().items():
            arrays[f"weight_{part}.{name}"] = weight.numpy()
    for number, level in enumerate(levels.values(), start=3):
        arrays[f"level_P{number}"] = level.permute(0, 2, 3, 1).numpy()
    return {
        **arrays,
        "head_scores": scores.numpy(),
        "head_edges": edges.numpy(),
        "head_centerness": centerness.numpy(),
    }


if __name__ == "__main__":
    main()
