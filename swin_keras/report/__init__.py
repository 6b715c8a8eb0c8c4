"""A run as people would rather see it: pictures, and a page that holds them all."""

from swin_keras.report.html import RunReport, write_report
from swin_keras.report.plots import (
    plot_confusion_matrix,
    plot_curves,
    plot_images,
    plot_lr_range,
)

__all__ = [
    "RunReport",
    "plot_confusion_matrix",
    "plot_curves",
    "plot_images",
    "plot_lr_range",
    "write_report",
]
