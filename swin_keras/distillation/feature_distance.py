"""How far a student's feature maps are from a teacher's, within one training graph."""

import functools

import keras
from keras import ops

from swin_keras.errors import UsageError
from swin_keras.models.feature_maps import feature_model, features

DISTANCE = "teacher_distance"  # of the training outputs
EPSILON = 1e-6


class FrozenModel(keras.layers.Layer):
    """A model that answers and never learns, nor is saved with what it is part of."""

    def __init__(self, model, **options):
        super().__init__(trainable=False, dtype="float32", **options)
        # Keras would count the weights of an attribute among the student's.
        self._answer = functools.partial(model, training=False)
        self._shapes = {name: tensor.shape for name, tensor in model.output.items()}

    def call(self, images):
        answers = self._answer(images)
        return {
            n: ops.stop_gradient(ops.cast(a, "float32")) for n, a in answers.items()
        }

    def compute_output_spec(self, images):
        return {
            name: keras.KerasTensor((images.shape[0], *shape[1:]), "float32")
            for name, shape in self._shapes.items()
        }


class FeatureDistance(keras.layers.Layer):
    """The mean squared difference of two maps, for each image.

    `(B, H, W, C)` and `(B, H, W, D)` to `(B,)`: the first goes through a learned
    linear map to the second's channels; each place of both is then normalized over its
    channels, so that no channel and no teacher weighs more than another. The linear map
    belongs to the training alone.
    """

    def __init__(self, **options):
        super().__init__(dtype="float32", **options)

    def build(self, student_shape, teacher_shape):
        self.projection = keras.layers.Dense(teacher_shape[-1], dtype="float32")
        self.projection.build(student_shape)

    def call(self, student, teacher):
        difference = _normalized(self.projection(student)) - _normalized(teacher)
        return ops.mean(ops.square(difference), axis=(1, 2, 3))


def _normalized(maps):
    mean = ops.mean(maps, axis=-1, keepdims=True)
    variance = ops.var(maps, axis=-1, keepdims=True)
    return (maps - mean) * ops.rsqrt(variance + EPSILON)


def outputs_with_distance(model, outputs, teacher) -> dict:
    """Return a student's training outputs, and its distance from a teacher among them.

    Args:
        model: The student, from images 0..255 on.
        outputs: Its training outputs, symbolic: one, or a dictionary.
        teacher: A Keras model of images 0..255, with stages.

    Returns:
        The outputs by name, a single one as "logits", and `(B,)` as `DISTANCE`: the
        mean over all maps whose height and width both have.

    Raises:
        UsageError: If the teacher takes other images or has other maps.
    """
    teacher = feature_model(teacher)
    if teacher.input_shape[1:] != model.input_shape[1:]:
        raise UsageError(
            "A teacher must take images of the student's size and colours, "
            f"{model.input_shape[1:]}. Received: {teacher.name}, which takes "
            f"{teacher.input_shape[1:]}. Set --image-size, or train a teacher of that "
            "size."
        )
    own, taught = features(model), FrozenModel(teacher, name="teacher")(model.input)
    pairs = _pairs(own, taught)
    if not pairs:
        raise UsageError(
            "A teacher must have a feature map of the height and width of one of the "
            f"student's. Received: {_sizes(taught)}; the student has {_sizes(own)}. "
            "Use a teacher whose patch size is near the student's."
        )
    distances = [
        FeatureDistance(name=f"distance_{name}")(own[name], taught[match])
        for name, match in pairs.items()
    ]
    distance = distances[0]
    if len(distances) > 1:
        distance = keras.layers.Average(name=DISTANCE, dtype="float32")(distances)
    named = outputs if isinstance(outputs, dict) else {"logits": outputs}
    return {**named, DISTANCE: distance}


def _pairs(own, taught) -> dict[str, str]:
    """Return the teacher's map for each of the student's that has one of its size.

    That is the one of the same name, or else the first that no other has: with another
    patch size the stages' names do not tell.
    """
    pairs = {n: n for n in own if n in taught and _fit(own[n], taught[n])}
    for name in own:
        free = [n for n in taught if n not in pairs.values()]
        fitting = [match for match in free if _fit(own[name], taught[match])]
        if name not in pairs and fitting:
            pairs[name] = fitting[0]
    return pairs


def _fit(own, taught):
    return own.shape[1:3] == taught.shape[1:3]


def _sizes(maps):
    return ", ".join(f"{n} {m.shape[1]} x {m.shape[2]}" for n, m in maps.items())


class FeatureDistillationLoss:
    """A task's loss, and the distance from the teacher's feature maps.

    Args:
        loss: The task's.
        weight: What the distance is multiplied by.

    Call arguments:
        y_true: What the task's loss takes.
        y_pred: Outputs as `outputs_with_distance` names them.
    """

    def __init__(self, loss, weight: float):
        self.loss, self.weight = loss, weight
        self._mean = keras.losses.MeanAbsoluteError()  # divides among replicas
        if hasattr(loss, "counts"):
            self.counts, self.smallest_count = loss.counts, loss.smallest_count

    def __call__(self, y_true, y_pred, sample_weight=None):
        own = {name: value for name, value in y_pred.items() if name != DISTANCE}
        if list(own) == ["logits"]:
            own = own["logits"]
        distance = y_pred[DISTANCE][:, None]
        away = self._mean(ops.zeros_like(distance), distance)
        return self.loss(y_true, own, sample_weight=sample_weight) + self.weight * away
