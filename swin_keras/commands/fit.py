"""train, launch and evaluate."""

import dataclasses
import json

from swin_keras.commands.console import load_tensorflow, make_table, out


def train(options):
    from swin_keras.training.config import TrainConfig

    names = [field.name for field in dataclasses.fields(TrainConfig)]
    config = TrainConfig.from_dict({name: options[name] for name in names})
    load_tensorflow()
    if options.dry_run:
        from swin_keras.training.dry_run import dry_run

        out.print(dry_run(config))
        return 0
    from swin_keras.training.train import train

    run = train(config, resume=options.resume)
    out.print(f"next: swin-keras export {run.path}")
    return 0


def launch(options):
    from swin_keras.launching import launch

    hosts = [host for host in (options.hosts or "").split(",") if host]
    return launch(
        options.words,
        options.workers,
        hosts=hosts,
        index=options.index,
        max_restarts=options.max_restarts,
    )


def evaluate(options):
    load_tensorflow()
    from swin_keras.evaluation import evaluate

    result = evaluate(
        options.model,
        options.data,
        data_dir=options.data_dir,
        split=options.split,
        trust=options.trust,
    )
    if options.json:
        print(json.dumps(result.to_dict(), indent=2))
        return 0
    for note in result.notes:
        out.print(f"data: {note}")
    table = make_table("class", "images", "precision", "recall", "F1")
    for name, images, *figures in result.class_figures():
        table.add_row(name, f"{images}", *(f"{figure:.1%}" for figure in figures))
    out.print(table)
    out.print(
        f"accuracy {result.accuracy:.2%}, top-5 {result.top5_accuracy:.2%} "
        f"on {result.images} images"
    )
    return 0
