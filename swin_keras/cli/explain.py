"""swin-keras explain: what is shown on the screen."""

from swin_keras.explaining.explain import explain
from swin_keras.explaining.folder import free_folder, require_free, save_explanations
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
    folder = require_free(options.save or free_folder())
    explanations = explain(
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
    title = f"{printable(options.model)}: {explanations[0].method}"
    page = save_explanations(folder, explanations, title)
    table = make_table("image", "says", "explained")
    for one in explanations:
        if not one.error:
            says = ", ".join(f"{name} {score:.1%}" for name, score in one.scores[:1])
            table.add_row(one.path, says, ", ".join(one.maps) or one.note)
    out.print(table)
    unread = [one for one in explanations if one.error]
    for one in unread:
        complain(f"{one.path}: {one.error}")
    out.print(f"to look at: {page}")
    return 3 if unread else 0
