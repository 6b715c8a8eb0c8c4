"""Pages of the site whose source is elsewhere; MkDocs calls `on_files`.

A page is either a function's (`list_commands.page`), a notebook, or a file of the
repository's root, such as CONTRIBUTING.md.
"""

import re
import sys
from pathlib import Path

from mkdocs.structure.files import File

DOCS = Path(__file__).parent
ROOT = DOCS.parent
ROOT_FILES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")

sys.path[:0] = [str(DOCS), str(ROOT)]  # MkDocs takes them away again

import list_commands  # noqa: E402
import list_errors  # noqa: E402
import list_models  # noqa: E402
import list_names  # noqa: E402
import show_notebook  # noqa: E402


def on_files(files, config):
    """Add the generated pages to the site's."""
    pages = {
        "commands.md": list_commands.page(),
        "errors.md": list_errors.page(),
        "models.md": list_models.page(),
        **list_names.pages(),
    }
    for notebook in sorted((DOCS / "notebooks").glob("*.ipynb")):
        pages[f"notebooks/{notebook.stem}.md"] = show_notebook.page(notebook)
    for name in ROOT_FILES:
        pages[name.lower()] = (ROOT / name).read_text("utf-8").replace("](docs/", "](")
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown, **_):
    """Point links to files, which work on GitHub, to their pages."""
    for name in ROOT_FILES:
        markdown = re.sub(rf"\]\((\.\./)?{name}", f"]({name.lower()}", markdown)
    return re.sub(r"\]\((notebooks/\w+)\.ipynb", r"](\1.md", markdown)
