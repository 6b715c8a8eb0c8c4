"""Explain answers: `swin-keras explain`, or `swin_keras.explain(MODEL, IMAGES)`."""

from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from swin_keras.data import ImageError
from swin_keras.errors import UsageError
from swin_keras.explaining.explainer import Explainer
from swin_keras.explaining.methods import CLASS_BLIND
from swin_keras.explaining.overlay import overlay
from swin_keras.inference.pictures import is_taken, pictures, refusal

CENTRE = (0.5, 0.5)


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a model says what it says of one image.

    Args:
        path: The image's path; without one, its place among all: "image 0".
        method: How the maps were made.
        image: The picture as the model sees it, uint8 `(H, W, channels)`.
        scores: `(class name, probability)` of the best classes, best first.
        maps: Maps `(h, w)` float32 by name, that of a class or of what is shown.
            With sign: what is above 0 speaks for the class.
        at: `(x, y)` from 0 to 1 of the query of method "attention", or `None`.
        error: Why the image could not be read, or `None`.
    """

    path: str
    method: str
    image: np.ndarray | None = None
    scores: tuple[tuple[str, float], ...] = ()
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    at: tuple[float, float] | None = None
    error: str | None = None

    def overlay(self, name: str | None = None):
        """Return a map over the picture, as a Pillow image.

        Args:
            name: Of the map; `None` for the first.
        """
        values = self.maps[name] if name else next(iter(self.maps.values()))
        is_smooth = self.method != "attention"
        return overlay(self.image, values, is_smooth=is_smooth, at=self.at)


def explain(
    model,
    images,
    *,
    method: str = "cam",
    class_name: str | None = None,
    top: int = 1,
    stage: int | None = None,
    at: tuple[float, float] | None = None,
    batch_size: int = 8,
    class_names=None,
    trust: bool = False,
) -> list[Explanation]:
    """Show where in images a model sees what it says.

    ```python
    for answer in swin_keras.explain("runs/flowers", "photos/", method="grad-cam"):
        answer.overlay().save("why.png")
    ```

    Args:
        model: A run, an export, a `.keras` file or a `keras.Model`. A LiteRT, ONNX or
            SavedModel file that was exported with `--explain` answers "cam".
        images: What `Predictor.predict` takes: paths, folders, Pillow images, arrays.
        method: One of `METHODS`; docs/explain.md tells what each says and does not.
        class_name: Class to explain; `None` for those that the model finds best.
        top: How many of the best classes to explain, each with a map of its own.
        stage: Of "grad-cam" and "hires-cam", whose map is weighed: the lower, the
            finer; of "attention", where the query is. From 1; `None` for the last.
        at: Of "attention": the query `(x, y)`, each from 0 to 1; `None` for the
            centre.
        batch_size: Images that are run together.
        class_names: Names of the classes where the model has no card.
        trust: Whether a SavedModel may hold operations that do more than compute.

    Returns:
        An `Explanation` for each image, in order.

    Raises:
        ModelFileError: If there is no such model, or it cannot do this.
        UsageError: If there is no such method, class or stage.
        DataError: If a path does not exist, or a folder holds no image.
    """
    if not is_taken(images):
        raise refusal(type(images).__name__)
    if min(top, batch_size) < 1:
        raise UsageError(
            "`top` and `batch_size` must be at least 1. "
            f"Received: top={top}, batch_size={batch_size}."
        )
    explainer = Explainer(model, class_names, trust=trust)
    if method == "attention" and at is None:
        at = CENTRE
    explainer.check(method, stage, at)
    if class_name is not None and method in CLASS_BLIND:
        raise UsageError(
            f'Method "{method}" is the same for every class. '
            f"Received: class {str(class_name)[:100]!r}."
        )
    asked = None if class_name is None else explainer.class_index(class_name)
    ask = _Question(explainer, method, asked, top, stage, at)
    given, found = pictures(images), []
    while batch := list(islice(given, batch_size)):
        found += _explain_batch(ask, batch)
    return found


@dataclass(frozen=True)
class _Question:
    """What is asked of every image; fields as in `explain`, the class by index."""

    explainer: Explainer
    method: str
    asked: int | None
    top: int
    stage: int | None
    at: tuple[float, float] | None


def _explain_batch(ask: _Question, batch) -> list[Explanation]:
    *size, channels = ask.explainer.input_shape
    card = ask.explainer.card
    prepared = (card.crop_fraction, card.grey_range) if card else ()
    images, errors = [], {}
    for index, picture in enumerate(batch):
        try:
            images.append(picture.pixels(size, channels, *prepared))
        except ImageError as error:
            errors[index] = error.reason
    answers = iter(_answers(ask, np.stack(images)) if images else ())
    return [
        Explanation(picture.name, ask.method, error=errors[index])
        if index in errors
        else Explanation(picture.name, ask.method, **next(answers))
        for index, picture in enumerate(batch)
    ]


def _answers(ask: _Question, images):
    """Yield the fields of an `Explanation` for each image."""
    explainer, names = ask.explainer, ask.explainer.class_names
    if names:
        probabilities = explainer.probabilities(images)
        order = np.argsort(-probabilities, axis=1, kind="stable")
    if ask.method == "attention":
        named = explainer.query_maps(images, ask.at, ask.stage)
        maps = [{name: m[i] for name, m in named.items()} for i in range(len(images))]
    elif ask.method == "rollout":
        maps = [{"rollout": m} for m in explainer.maps(images, method="rollout")]
    else:
        maps = _maps_of_classes(ask, images, order)
    for index, image in enumerate(images):
        scores = ()
        if names:
            best = order[index, : max(ask.top, 3)]
            row = probabilities[index]
            scores = tuple((names[i], float(row[i])) for i in best)
            if ask.asked is not None and ask.asked not in best:
                scores += ((names[ask.asked], float(row[ask.asked])),)
        yield {"image": image, "scores": scores, "maps": maps[index], "at": ask.at}


def _maps_of_classes(ask: _Question, images, order) -> list[dict]:
    """Return the maps of each image by the name of the class."""
    classes = order[:, : ask.top]
    if ask.asked is not None:
        classes = np.full((len(images), 1), ask.asked)
    maps = [{} for _ in images]
    for column in classes.T:
        found = ask.explainer.maps(images, column, method=ask.method, stage=ask.stage)
        for index, (number, values) in enumerate(zip(column, found, strict=True)):
            maps[index][ask.explainer.class_names[number]] = values
    return maps
