"""A run as people would rather see it: pictures, and a page that holds them all."""

from swin_keras.report.html import RunReport, part_of, write_report
from swin_keras.report.plots import (
    plot_confusion_matrix,
    plot_curves,
    plot_images,
    plot_lr_range,
)
from swin_keras.report.search_plot import plot_search

__all__ = [
    "RunReport",
    "part_of",
    "plot_confusion_matrix",
    "plot_curves",
    "plot_images",
    "plot_lr_range",
    "plot_search",
    "write_report",
]
