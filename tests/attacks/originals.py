"""Small real files of every kind that comes from outside."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

FORMATS = {
    "jpeg": ("jpg", "RGB", {}),
    "jpeg progressive": ("jpg", "RGB", {"progressive": True, "exif": b"Exif\0\0"}),
    "jpeg cmyk": ("jpg", "CMYK", {}),
    "jpeg grey": ("jpg", "L", {}),
    "png": ("png", "RGB", {}),
    "png palette": ("png", "P", {}),
    "png alpha": ("png", "RGBA", {}),
    "png 16": ("png", "I;16", {}),
    "bmp": ("bmp", "RGB", {}),
    "gif": ("gif", "P", {"save_all": True}),
    "webp": ("webp", "RGB", {}),
    "webp lossless": ("webp", "RGBA", {"lossless": True, "save_all": True}),
    "tiff": ("tif", "RGB", {}),
    "tiff lzw": ("tif", "L", {"compression": "tiff_lzw"}),
    "tiff deflate": ("tif", "I;16", {"compression": "tiff_adobe_deflate"}),
    "tiff jpeg": ("tif", "RGB", {"compression": "jpeg"}),
    "tiff group4": ("tif", "1", {"compression": "group4"}),
    "avif": ("avif", "RGB", {}),
    "heic": ("heic", "RGB", {}),
}


def write_image(path, mode, seed=0, side=48, **options):
    """Write an image of smooth noise; `False` if nothing here writes its format."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    image = Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype("uint16") * 257)
    elif mode != "RGB":
        image = image.convert(mode)
    if path.suffix == ".heic":
        try:
            import pillow_heif
        except ImportError:
            return False
        pillow_heif.from_pillow(image).save(path)
        return True
    if options.pop("save_all", False):
        options |= {"save_all": True, "append_images": [image.rotate(90)]}
    image.save(path, **options)
    return True


def make_data(folder: Path):
    """Write small images of every format, a table of images, and IDX files."""
    for name in ("images", "table", "idx"):
        (folder / name).mkdir(parents=True)
    for name, (ending, mode, options) in FORMATS.items():
        write_image(folder / "images" / f"{name}.{ending}", mode, **options)
    rows = ["file,label,split"]
    for label in ("cat", "dog"):
        for number in range(6):
            path = folder / "table" / f"{label}{number}.png"
            write_image(path, "RGB", seed=number, side=16)
            rows.append(f"{path.name},{label},{'val' if number < 2 else 'train'}")
    (folder / "table" / "labels.csv").write_text("\n".join(rows))
    _write_idx(folder / "idx")


def make_originals(folder: Path, run: Path, export: Path, digits: Path):
    """Write small real files of every kind.

    Args:
        folder: Where.
        run: A run that is finished.
        export: Its export, in all forms.
        digits: The folder in which TensorFlow Datasets keeps the digits.
    """
    from swin_keras.weights import from_pretrained, save_huggingface

    make_data(folder)
    for name in ("options", "study", "weights", "keras"):
        (folder / name).mkdir()
    (folder / "options" / "config.yaml").write_bytes((run / "config.yaml").read_bytes())
    study = {
        "name": "toy",
        "train": {"data": "digits", "epochs": 1, "sizes": {"depths": [1, 1]}},
        "space": {"mixup": [0.0, 0.2], "learning_rate": {"min": 1e-4, "max": 1e-2}},
        "trials": 2,
    }
    (folder / "study" / "study.yaml").write_text(yaml.safe_dump(study))
    shutil.copy(run / "best.keras", folder / "keras" / "model.keras")
    write_image(folder / "image.png", "L", side=8)
    for name, source in (("run", run), ("export", export), ("tfds", digits)):
        shutil.copytree(source, folder / name / source.name)
    shutil.copytree(run / "checkpoints", folder / "checkpoint" / "checkpoints")
    for path in sorted((folder / "checkpoint" / "checkpoints").iterdir())[:-1]:
        shutil.rmtree(path)
    (folder / "run" / run.name / "card.json").unlink()  # not finished any more
    model = from_pretrained(run)
    save_huggingface(model, folder / "weights")
    (folder / "weights" / "card.json").unlink()
    for name in ("keras", "export"):
        shutil.copy(folder / "image.png", folder / name / "image.png")
    bare = folder / "bare"
    shutil.copytree(export, bare / "export")
    (bare / "export" / "card.json").unlink()
    shutil.copy(folder / "image.png", bare / "image.png")


def _write_idx(folder):
    rng = np.random.default_rng(0)
    for prefix, count, ending in (("train", 60, ".gz"), ("t10k", 20, "")):
        for kind, values in (
            ("images-idx3", rng.integers(0, 256, (count, 8, 8))),
            ("labels-idx1", np.arange(count) % 10),
        ):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            data = bytes([0, 0, 8, values.ndim]) + sizes + values.astype("u1").tobytes()
            path = folder / f"{prefix}-{kind}-ubyte{ending}"
            path.write_bytes(gzip.compress(data, mtime=0) if ending else data)


def make_all(folder: Path, scratch: Path):
    """Train and export a toy, and make small files of every kind in a folder."""
    from swin_keras.exporting.config import ExportConfig
    from swin_keras.exporting.export import export
    from swin_keras.training import TrainConfig
    from swin_keras.training.train import train

    config = TrainConfig(
        data_dir=str(folder.parent / "data"),
        runs_dir=str(scratch / "runs"),
        name="toy",
        sizes={"embed_dim": 16, "depths": [1, 2], "num_heads": [1, 2]},
        epochs=2,
        jit_compile=False,
        tensorboard=False,
        checkpoint_minutes=0.0,
    )
    run = train(config)
    forms = ("saved_model", "litert", "onnx")
    config = ExportConfig(
        saved_models_dir=str(scratch / "saved_models"), formats=forms, verify=False
    )
    exported = export(run.path, config)
    make_originals(folder, run.path, exported, folder.parent / "data" / "digits")
