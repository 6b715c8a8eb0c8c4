"""Finds the weights in what training code saved: itself, or under the usual keys."""

from swin_keras.errors import WeightsError
from swin_keras.names import printable
from swin_keras.weights.pickle_names import TensorView

# The first that is there is taken; averages of weights (EMA) come after the weights.
_WEIGHTS = ("model", "state_dict", "model_state_dict", "module", "network", "net")
_WEIGHTS += ("params", "weights", "backbone", "encoder")
_AVERAGES = ("model_ema", "state_dict_ema", "ema_state_dict", "ema", "ema_model")
_AVERAGES += ("averaged_model", "params_ema", "teacher", "student")
_KEYS = (*_WEIGHTS, *_AVERAGES)
_DEEPEST = 4
_LONGEST_KEY = 100


def state_dict_keys(saved) -> list[str]:
    """List where in what was saved weights are, the ones to take first.

    Args:
        saved: What the pickle describes.

    Returns:
        Keys, such as `"model"` or `"ema.module"`; `""` if the weights are all that
        was saved.
    """
    return _ordered(dict(_state_dicts(saved)))


def state_dict(saved, key: str | None = None) -> dict[str, TensorView]:
    """Return the tensors of one model in what was saved.

    Args:
        saved: What the pickle describes.
        key: Where they are; `None` takes plain weights before averages.

    Raises:
        WeightsError: If there are none.
    """
    if not isinstance(saved, dict):
        raise WeightsError("it holds no dictionary of tensors. Save the state dict")
    found = dict(_state_dicts(saved))
    if key is None:
        keys = _ordered(found)
    else:
        keys = _ordered({path: x for path, x in found.items() if _is_in(path, key)})
        if not keys:
            there = ", ".join(map(repr, map(printable, _ordered(found)[:10])))
            raise WeightsError(
                f"it has no weights under {key!r}. It has them under: {there or '-'}"
            )
    return found[keys[0]] if keys else {}


def _is_in(path, key):
    return path == key or path.startswith(f"{key}.")


def _state_dicts(saved):
    """Yield each dictionary that holds tensors, by its path; each only once."""
    seen = set()
    waiting = [((), saved)]
    for path, content in waiting:
        if not isinstance(content, dict) or id(content) in seen:
            continue
        seen.add(id(content))
        named = {name: x for name, x in content.items() if isinstance(name, str)}
        tensors = {name: x for name, x in named.items() if isinstance(x, TensorView)}
        if tensors:
            yield ".".join(path), tensors
        if len(path) < _DEEPEST:
            waiting += [
                ((*path, name), x)
                for name, x in named.items()
                if isinstance(x, dict) and len(name) <= _LONGEST_KEY
            ]


def _ordered(found) -> list[str]:
    """Return the paths of models, the one to take first.

    A set much smaller than the largest is none, but a counter or an average of
    losses; what stands under no usual key counts only if nothing else is there.
    """
    largest = max(map(len, found.values()), default=0)
    models = [path for path in found if 2 * len(found[path]) >= largest]
    known = [path for path in models if _rank(path) < len(_KEYS)]
    return sorted(
        known or models, key=lambda path: (_rank(path), -len(found[path]), path)
    )


def _rank(path):
    """Return how late a path is taken: by its latest part."""
    if not path:  # tensors beside everything else
        return len(_WEIGHTS)
    return max(
        _KEYS.index(part) if part in _KEYS else len(_KEYS) for part in path.split(".")
    )
