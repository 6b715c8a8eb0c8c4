"""tune: search for the best configuration."""

from swin_keras.cli.console import command, load_tensorflow, make_table, out
from swin_keras.options import option_words


def tune(options):
    load_tensorflow()
    from swin_keras.tuning.board import values_in_words
    from swin_keras.tuning.tune import tune

    outcome = tune(
        options.study,
        resume=options.resume,
        workers=options.workers,
        max_trials=options.max_trials,
        max_minutes=options.max_minutes,
        data_dir=options.data_dir,
    )
    table = make_table("trial", "outcome", "validation", "time", "values")
    key = {trial.id: trial.score or 0.0 for trial in outcome.trials}
    for trial in sorted(outcome.trials, key=lambda trial: -key[trial.id]):
        score = "" if trial.score is None else f"{trial.score:.2%}"
        text = f"{trial.status}: {trial.reason}" if trial.reason else trial.status
        seconds = f"{trial.seconds:.0f} s"
        table.add_row(trial.id, text, score, seconds, values_in_words(trial.chosen))
    out.print(table)
    winner = outcome.winner
    out.print(
        f"winner: trial {winner.id}, {winner.score:.2%} on the validation images: "
        f"{outcome.run.path}"
    )
    place = option_words("data-dir", options.data_dir) if options.data_dir else ()
    out.print(f"next: {command('train', '--config', outcome.path, *place)}")
    return 0
