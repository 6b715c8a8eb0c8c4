"""Feature maps: no answer, but what the stages of a model make of an image."""

import numpy as np

from swin_keras.tasks import trained_task
from swin_keras.tasks.task import Task, unit_of


class FeatureMaps(Task):
    """Feature maps by name, `(B, H, W, C)` each. They are exported, not trained."""

    name = "features"

    def class_count(self, outputs):
        return 0

    def owns(self, model):
        from swin_keras.models.feature_maps import are_features, is_headless

        return are_features(model.output) or is_headless(model)

    def export_model(self, model):
        from swin_keras.models.feature_maps import feature_model

        return feature_model(model)

    def compared(self, outputs, are_logits=False):
        rows = [np.reshape(v, (len(v), -1)) for _, v in sorted(outputs.items())]
        rows = np.concatenate(rows, axis=-1)
        return rows, unit_of(rows)

    def read(self, picture, predictor):
        trained = trained_task(predictor.card)
        return (trained or super()).read(picture, predictor)

    def suits_mediapipe(self, card):
        return False  # which has no such task

    def about_pictures(self, card):
        trained = trained_task(card)
        return (trained or super()).about_pictures(card)

    def about_outputs(self, card):
        maps = (
            f"`{name}` {' x '.join(map(str, shape))}"
            for name, shape in card.outputs.items()
        )
        return f"feature maps by name, without batch: {', '.join(maps)}"


TASK = FeatureMaps()
