"""How large a run's model is: the variant, fitted to the data."""

from swin_keras.data import ImageDataset
from swin_keras.errors import UsageError
from swin_keras.models import SwinConfig, variant_config
from swin_keras.tasks import task_named
from swin_keras.training.config import TrainConfig


def model_config_of(config: TrainConfig, dataset: ImageDataset) -> SwinConfig:
    """Fit the variant to the data's channels and the wanted image size.

    By default that is what the task makes of the variant's size and the data's.

    Raises:
        UsageError: If the sizes cannot make a model.
    """
    variant = variant_config(config.model)
    channels = dataset.image_shape[-1]
    size = config.image_size
    if size is None:
        size = task_named(config.task).image_size(dataset, variant.input_shape[:2])
    elif isinstance(size, int):
        size = (size, size)
    sizes = {"input_shape": (*size, channels), "remat": config.remat}
    if config.freeze_stages == "all":
        sizes["drop_path_rate"] = 0.0
    model_config = variant.replace(**(sizes | config.sizes))
    stages = len(model_config.depths)
    if config.freeze_stages != "all" and config.freeze_stages > stages:
        raise UsageError(
            f"`freeze_stages` must be at most the model's {stages} stages, or 'all'. "
            f"Received: {config.freeze_stages}."
        )
    return model_config
