"""What the numbers among a run's options may be."""

from swin_keras.cores import MOST_WORKERS

RULES = (  # what must hold, of which options, and how to check it
    (
        "be positive",
        (
            "epochs",
            "batch_size",
            "gradient_accumulation_steps",
            "learning_rate",
            "layer_decay",
            "temperature",
        ),
        lambda value: value > 0,
    ),
    (
        "not be negative",
        (
            "min_learning_rate",
            "warmup_epochs",
            "weight_decay",
            "early_stopping",
            "rotate",
            "blur",
            "shift",
            "mixup",
            "cutmix",
            "seed",
            "checkpoint_minutes",
            "freeze_stages",
            "train_images",
            "workers",
            "clip_norm",
            "dice",
        ),
        lambda value: value >= 0,
    ),
    (  # numbers of floating point end at 3.4e38
        "be below 1e38",
        (
            *("learning_rate", "min_learning_rate", "weight_decay", "clip_norm"),
            *("layer_decay", "dice", "temperature"),
        ),
        lambda value: value < 1e38,
    ),
    (
        "be at most 1000000",
        ("epochs", "batch_size", "gradient_accumulation_steps"),
        lambda value: value <= 1_000_000,
    ),
    (f"be at most {MOST_WORKERS}", ("workers",), lambda value: value <= MOST_WORKERS),
    ("be at most 360", ("rotate",), lambda value: value <= 360),
    (
        "be at most 100",
        ("blur", "mixup", "cutmix", "crop_ratio"),
        lambda value: value <= 100,
    ),
    ("not be above 10", ("scale_range",), lambda value: max(value) <= 10),
    ("be at most 1", ("shift",), lambda value: value <= 1),
    ("be below 4294967296", ("seed",), lambda value: value < 2**32),
    ("be in (0, 1]", ("min_crop_area", "crop_fraction"), lambda value: 0 < value <= 1),
    (
        "be in [0, 1)",
        ("label_smoothing", "ema_momentum"),
        lambda value: 0 <= value < 1,
    ),
    ("be in (0, 0.5)", ("val_fraction",), lambda value: 0 < value < 0.5),
    ("be in [0, 0.5]", ("white_balance",), lambda value: 0 <= value <= 0.5),
    ("be in [0, 0.5)", ("test_fraction",), lambda value: 0 <= value < 0.5),
    (
        "be in [0, 1]",
        ("erase", "mosaic", "copy_paste", "teacher_weight"),
        lambda value: 0 <= value <= 1,
    ),
    ("be in [0, 10]", ("rand_augment",), lambda value: 0 <= value <= 10),
    ("be at least 1", ("crop_ratio",), lambda value: value >= 1),
)
