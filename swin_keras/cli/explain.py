"""swin-keras explain: what is shown on the screen."""

from swin_keras.explaining.explain import explanations
from swin_keras.explaining.folder import require_free, save_explanations
from swin_keras.files import free_path
from swin_keras.names import printable
from swin_keras.screen import complain


def run(options, paths, out, make_table) -> int:
    """Explain, write the folder, and name what is in it.

    Args:
        options: Of the command line.
        paths: Of the images.
        out: The console.
        make_table: A function that makes its tables.
    """
    folder = require_free(options.save or free_path("explained"))
    found = explanations(
        options.model,
        paths,
        method=options.method,
        class_name=options.class_name,
        top=options.top,
        box=options.box,
        region=options.region,
        stage=options.stage,
        at=options.at,
        trust=options.trust,
    )
    table, unread = make_table("image", "says", "explained"), []
    title = f"Why {printable(options.model)} says what it says"
    page = save_explanations(folder, _tabulated(found, table, unread), title)
    out.print(table)
    for path, error in unread:
        complain(f"{path}: {error}")
    out.print(f"to look at: {page}")
    return 3 if unread else 0


def _tabulated(explanations, table, unread):
    """Pass explanations on; of each a row of the table stays, or why there is none."""
    for one in explanations:
        if one.error:
            unread.append((one.path, one.error))
        else:
            says = one.answers[0] if one.answers else ""
            table.add_row(one.path, says, ", ".join(one.maps) or one.note)
        yield one
