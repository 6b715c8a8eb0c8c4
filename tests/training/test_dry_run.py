"""What a dry run measures."""

import os
import types

import pytest

from swin_keras.training import TrainConfig, dry_run


class Clock:
    """Time that passes only when something waits."""

    now = 0.0

    def perf_counter(self):
        return self.now


def job_of(clock, workers, batches, batch_size=64, seconds=1.0):
    """A job whose processes each load a batch in so many seconds, all at once."""

    def training_batches():
        for number in range(batches):
            if number % workers == 0:
                clock.now += seconds
            yield number

    return types.SimpleNamespace(
        training_batches=training_batches,
        workers=types.SimpleNamespace(processes=workers),
        config=types.SimpleNamespace(batch_size=batch_size),
    )


@pytest.mark.parametrize("workers", [1, 2, 8, 16])
def test_batches_that_were_loaded_ahead_do_not_count(workers, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(dry_run, "time", clock)
    rate = dry_run._images_loaded_per_second(job_of(clock, workers, 1000))
    assert rate == pytest.approx(64 * workers, rel=0.2)


def test_slow_loading_is_not_waited_for(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(dry_run, "time", clock)
    rate = dry_run._images_loaded_per_second(job_of(clock, 4, 1000, seconds=30))
    assert rate == pytest.approx(64 * 4 / 30, rel=0.5)
    assert clock.now <= 30 * 6


def test_too_few_batches_have_no_rate(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(dry_run, "time", clock)
    assert dry_run._images_loaded_per_second(job_of(clock, 2, 3)) is None


def test_a_dry_run_sets_what_xla_leaves_out(monkeypatch):
    """Called from Python, too: what it compares is what training would compile."""

    class ReachedError(Exception):
        pass

    def stop(_):
        raise ReachedError(os.environ["XLA_FLAGS"])

    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.setattr(dry_run, "make_strategy", stop)
    with pytest.raises(ReachedError, match="triton"):
        dry_run.dry_run(TrainConfig(compile_cache=False))
