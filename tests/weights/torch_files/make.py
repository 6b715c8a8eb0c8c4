"""Writes the files beside it with torch: what training code saves, with an average.

python tests/weights/torch_files/make.py
"""

import argparse
import collections
import datetime
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent


def weights(torch, more):
    """Make tensors of several dtypes and strides, each number larger by `more`."""
    base = torch.arange(10, dtype=torch.float64) + more
    return collections.OrderedDict(
        {
            "transposed": (torch.arange(12.0) + more).reshape(3, 4).t(),
            "bfloat16": torch.ones(3, dtype=torch.bfloat16) * (2 + more),
            "half": torch.arange(5.0).half() + more,
            "slice": base[2:6],
            "strided": base[1::3],
            "parameter": torch.nn.Parameter(torch.full((2, 2), 7.0 + more)),
            "steps": torch.tensor(3),
        }
    )


def extras(torch):
    """Make what training code leaves beside weights."""
    return {
        "set": {1, 2},
        "frozenset": frozenset("ab"),
        "counter": collections.Counter("abca"),
        "defaultdict": collections.defaultdict(list, {1: [2]}),
        "deque": collections.deque([1.5], maxlen=3),
        "namespace": argparse.Namespace(lr=1e-3, betas=(0.9, 0.999)),
        "path": pathlib.PurePosixPath("runs/1"),
        "time": datetime.datetime(2024, 1, 2),
        "dtype": torch.float16,
        "device": torch.device("cuda:0"),
        "size": torch.Size([1, 2]),
        "complex": 1j,
        "bytes": b"abc",
        "numpy scalar": np.float32(3),
        "numpy array": np.arange(3),
        "numpy random": np.random.default_rng(0).bit_generator.state,
        (1, 2): "a tuple as key",
        None: "none",
    }


def main():
    import torch

    saved = {
        "state_dict": weights(torch, 0),
        "model_ema": weights(torch, 1),
        "best_loss": torch.tensor(0.5),
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{}]},
        "extras": extras(torch),
    }
    torch.save(saved, HERE / "zip.pth")
    torch.save(saved, HERE / "protocol_4.pth", pickle_protocol=4)
    legacy = {"_use_new_zipfile_serialization": False}
    torch.save(saved, HERE / "legacy.pth", **legacy)


if __name__ == "__main__":
    main()
