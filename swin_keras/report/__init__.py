"""Pictures of a run: what people would rather look at than read."""

from swin_keras.report.plots import (
    plot_confusion_matrix,
    plot_curves,
    plot_images,
    plot_lr_range,
)

__all__ = ["plot_confusion_matrix", "plot_curves", "plot_images", "plot_lr_range"]
