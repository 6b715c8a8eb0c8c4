"""ExportConfig: where an export goes and what it is checked with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportConfig:
    """Where an export goes and what it is checked with.

    Args:
        name: Name of the export; by default the run's.
        saved_models_dir: Folder in which exports are kept.
        images: Images to compare the forms on; by default the run's samples.
        overwrite: Whether an export of the same name is replaced.
    """

    name: str | None = None
    saved_models_dir: str = "saved_models"
    images: str | None = None
    overwrite: bool = False
