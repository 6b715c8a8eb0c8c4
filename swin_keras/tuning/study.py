"""A study: one YAML file that says what is searched, how, and for how long."""

import dataclasses
import json
from dataclasses import dataclass, field

from swin_keras.errors import UsageError, nearest_name
from swin_keras.files import expanded
from swin_keras.names import check_name
from swin_keras.options import require_unicode
from swin_keras.training.config import TrainConfig
from swin_keras.tuning.fields import check_options
from swin_keras.tuning.limits import Limits
from swin_keras.tuning.parameters import refuse_auto
from swin_keras.tuning.space import Space
from swin_keras.yaml_files import read_yaml

TUNERS = ("random", "bayesian", "hyperband", "grid")
MAY_CHANGE = ("trials", "minutes", "folder", "train.data_dir")  # when it resumes


@dataclass(frozen=True)
class Study:
    """A search for the configuration with the highest validation accuracy.

    Args:
        name: Names the study's folder and results.
        space: What is changed; see `Space`.
        train: The base configuration: what the space does not change.
        tuner: "random", "bayesian", "hyperband" or "grid". Hyperband trains many
            for few of the base's epochs, and the best of them for more.
        limits: What a model may cost at most; see `Limits`. A model over a limit is
            not trained.
        trials: Configurations to try; `None` for as many as hyperband or the grid
            want.
        minutes: Time after which no more is tried; `None` for any.
        seed: Seed of the search. Each trial trains with the base's own seed.
        folder: Where `runs/<name>/` and `results/` are; for a study in a file, beside
            it.

    Raises:
        UsageError: If something in it cannot work.

    Example:

    ```python
    study = Study(
        "rates",
        space=Space({"learning_rate": {"min": 1e-4, "max": 1e-2, "scale": "log"}}),
        train=TrainConfig(epochs=10),
        trials=8,
    )
    outcome = swin_keras.tune(study)
    ```
    """

    name: str
    space: Space
    train: TrainConfig = field(default_factory=TrainConfig)
    tuner: str = "random"
    limits: Limits = field(default_factory=Limits)
    trials: int | None = None
    minutes: float | None = None
    seed: int = 0
    folder: str = "tuning"

    def __post_init__(self):
        check_name(self.name, "A study's name", UsageError)
        require_unicode("folder", expanded(self.folder))
        if self.tuner not in TUNERS:
            raise UsageError(
                f"There is no tuner {self.tuner!r}."
                f"{nearest_name(self.tuner, TUNERS)} Tuners: {', '.join(TUNERS)}."
            )
        if self.trials is None and self.tuner in ("random", "bayesian"):
            raise UsageError(f"A {self.tuner} search needs a number of `trials`.")
        for name, kind in (("trials", int), ("minutes", int | float)):
            value = getattr(self, name)
            is_kind = isinstance(value, kind) and not isinstance(value, bool)
            if value is not None and not (is_kind and value > 0):
                raise UsageError(
                    f"A study needs a budget: `{name}` must be a number above 0. "
                    f"Received: {value!r}."
                )
        is_number = isinstance(self.seed, int) and not isinstance(self.seed, bool)
        if not is_number or self.seed < 0:
            raise UsageError(
                f"`seed` must be a whole number, 0 or above. Received: {self.seed!r}."
            )
        self._check_base()

    def _check_base(self):
        refuse_auto(self.train)
        if self.train.strategy == "multiworker":
            raise UsageError(
                "A trial runs on one machine: strategy 'multiworker' must be left out."
            )
        if self.tuner == "hyperband" and self.space.changes("epochs"):
            raise UsageError(
                "Hyperband decides on the epochs itself: the space must not be over "
                "`epochs`."
            )

    @classmethod
    def read(cls, path) -> "Study":
        """Read a study from its YAML file; its name and folder are the file's.

        Raises:
            UsageError: If there is no such file, or something in it cannot work.
        """
        path = expanded(path)
        values = read_yaml(path)
        if not isinstance(values, dict):
            raise UsageError(f"A study must name its space. {path} names nothing.")
        if "folder" in values:
            raise UsageError(
                f"A study's `runs/` and `results/` stand beside its file: {path} must "
                "not name a `folder`."
            )
        try:
            return cls.from_dict(
                {"name": path.stem, "folder": str(path.parent), **values}
            )
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error

    @classmethod
    def from_dict(cls, values: dict) -> "Study":
        """Make a study from a mapping, as `to_dict` returns it."""
        known = [option.name for option in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise UsageError(
                    f"A study has no {name!r}.{nearest_name(name, known)} It has: "
                    f"{', '.join(known[1:-1])}."
                )
        for name in ("train", "limits"):
            if not isinstance(values.get(name) or {}, dict):
                raise UsageError(
                    f"`{name}` must be a mapping of names to values. Received: "
                    f"{values[name]!r}."
                )
        train = values.get("train") or {}
        check_options(train)
        return cls(
            **values
            | {
                "space": Space(values.get("space")),
                "train": TrainConfig.from_dict(train),
                "limits": Limits.from_dict(values.get("limits") or {}),
            }
        )

    def to_dict(self) -> dict:
        """Return everything as plain values, for JSON."""
        return {
            "name": self.name,
            "space": self.space.given,
            "train": dataclasses.asdict(self.train),
            "tuner": self.tuner,
            "limits": self.limits.given,
            "trials": self.trials,
            "minutes": self.minutes,
            "seed": self.seed,
            "folder": self.folder,
        }

    def train_config(self, values: dict) -> TrainConfig:
        """Return what a trial of these values trains.

        Raises:
            UsageError: If an option cannot have its value.
        """
        return self.space.edit(self.train, values)

    def differences(self, other: "Study") -> list[str]:
        """Name what another study of this name must share with this one."""
        mine, others = (_flat(_plain(study.to_dict())) for study in (self, other))
        return [
            f"{key} was {mine.get(key)!r} and is {others.get(key)!r}"
            for key in dict.fromkeys([*mine, *others])
            if mine.get(key) != others.get(key) and key not in MAY_CHANGE
        ]


def _flat(values, prefix=""):
    """Return nested mappings as one, with keys like "space.mixup"."""
    flat = {}
    for key, value in values.items():
        if isinstance(value, dict) and not prefix:
            flat |= _flat(value, f"{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _plain(values):
    """Return values as JSON gives them back, so that tuples equal lists."""
    return json.loads(json.dumps(values))
