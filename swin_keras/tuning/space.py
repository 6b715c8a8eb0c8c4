"""The search space: what a study changes in its base configuration."""

import dataclasses
import random
from contextlib import ExitStack
from dataclasses import dataclass

from swin_keras.errors import UsageError
from swin_keras.training.config import TrainConfig
from swin_keras.training.presets import RATES
from swin_keras.tuning.fields import SIZE_PREFIX
from swin_keras.tuning.parameters import as_text, read_parameter

TRIES = 500  # combinations tried before a choice counts as one that nothing accepts


@dataclass(frozen=True)
class Space:
    """What a study changes: `{"learning_rate": {"min": 1e-4, "max": 1e-2}, ...}`.

    A field of `TrainConfig`, or of `SwinConfig` as `sizes.NAME`, takes

    - a list of choices, of any kind: `[0.0, 0.2]`, `[[2, 2, 2], [2, 4, 2]]`;
    - a range: `{min: 0.01, max: 0.3, scale: log}`, also with a `step`.

    Any other name takes `{choices: {wide: {FIELD: VALUE, ...}, ...}}`: fields that
    change together, such as channels and the heads that divide them. With
    `when: {OTHER: [VALUES]}` a parameter counts only where another one, further up,
    has one of these values.

    Args:
        given: The mapping.

    Raises:
        UsageError: If a field does not exist, a range is empty, or a value is of
            another type than the field's.
    """

    given: dict

    def __post_init__(self):
        if not isinstance(self.given, dict) or not self.given:
            raise UsageError(
                "A space must name at least one field and its values. Received: "
                f"{self.given!r}."
            )
        named = {as_text(name): values for name, values in self.given.items()}
        object.__setattr__(self, "given", named)  # YAML reads `on` as true
        _ = self.parameters

    @property
    def parameters(self) -> dict:
        """Every `Range` and `Choice` by its name, in the order given."""
        known = {}
        for name, values in self.given.items():
            known[name] = read_parameter(name, values, known)
        return known

    def changes(self, field: str) -> bool:
        """Return whether a parameter, or a group of fields in it, changes a field."""
        return any(
            field in parameter.edits(value)
            for parameter in self.parameters.values()
            for value in parameter.samples
        )

    def declare(self, hp):
        """Declare the space in KerasTuner's `HyperParameters`."""
        parameters = self.parameters
        for parameter in parameters.values():
            conditions, condition = [], parameter.when
            while condition:
                conditions.append(condition)
                condition = parameters[condition[0]].when
            with ExitStack() as scopes:
                for condition in reversed(conditions):  # the outermost first
                    scopes.enter_context(hp.conditional_scope(*condition))
                parameter.declare(hp)

    def edit(self, config: TrainConfig, values: dict) -> TrainConfig:
        """Return the configuration with what some values change in it.

        Raises:
            UsageError: If an option cannot have its value.
        """
        changes, sizes = {}, dict(config.sizes)
        values = self._that_count(values)
        for name, parameter in self.parameters.items():
            if name not in values:
                continue
            for field, value in parameter.edits(values[name]).items():
                if field.startswith(SIZE_PREFIX):
                    sizes[field.removeprefix(SIZE_PREFIX)] = value
                else:
                    changes[field] = value
        if "batch_size" in changes:  # from which the preset's rates follow
            follow = [n for n in RATES if getattr(config, n) == config.usual[n]]
            changes = dict.fromkeys(follow) | changes
        if "teacher" in changes and config.distillation == config.usual_distillation:
            changes = {"distillation": None} | changes
        return dataclasses.replace(config, **changes, sizes=sizes)

    def _that_count(self, values: dict) -> dict:
        """Return values without those of parameters whose `when` is not met."""
        counting = {}
        for name, parameter in self.parameters.items():  # conditions stand before
            other, allowed = parameter.when or (None, ())
            if name in values and (not other or counting.get(other) in allowed):
                counting[name] = values[name]
        return counting

    def _with_its_condition(self, name, value, rng) -> dict:
        """Return a value, and values of other parameters with which it counts."""
        chosen, parameters = {name: value}, self.parameters
        while parameters[name].when:
            name, allowed = parameters[name].when
            chosen[name] = rng.choice(list(allowed))
        return chosen

    def check(self, accept):
        """Refuse a value that goes with no values of the other parameters.

        Args:
            accept: Called with values; raises `UsageError` where they cannot work.

        Raises:
            UsageError: That names the value and why.
        """
        rng = random.Random(0)
        parameters = self.parameters
        for name, parameter in parameters.items():
            for value in parameter.samples:
                fault = None
                for _ in range(TRIES):
                    chosen = {n: rng.choice(p.samples) for n, p in parameters.items()}
                    chosen |= self._with_its_condition(name, value, rng)
                    try:
                        accept(self._that_count(chosen))
                    except UsageError as error:
                        fault = error
                    else:
                        break
                else:
                    raise _refusal(accept, name, value, fault)


def _refusal(accept, name, value, fault):
    """Return an error that blames a value, or what the space does not change."""
    try:
        accept({})
    except UsageError as error:
        if str(error) == str(fault):
            return UsageError(f"`train` cannot work, with whatever values: {fault}")
    return UsageError(
        f"No configuration of the space accepts {name} = {value!r}: {fault}"
    )
