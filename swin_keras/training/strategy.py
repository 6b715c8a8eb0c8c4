"""Which devices a run trains on: `tf.distribute` strategies by name."""

import json
import os

import tensorflow as tf

from swin_keras.errors import UsageError
from swin_keras.processes import find_devices


def make_strategy(name: str):
    """Return a `tf.distribute` strategy, or `None` for one device.

    Call it before anything else touches TensorFlow: several machines must agree
    on their collective operations first.

    Args:
        name: `"none"`; `"mirrored"` for all devices of this machine;
            `"multiworker"` for those of all machines that `TF_CONFIG` names;
            `"tpu"`; or `"auto"`: several machines if `TF_CONFIG` names some,
            else all GPUs if there are several, else one device.

    Raises:
        UsageError: If there is nothing for such a strategy to use.
    """
    find_devices()
    if name == "auto":
        name = _best_strategy()
    if name == "none":
        return None
    if name == "mirrored":
        return _mirrored()
    if name == "multiworker":
        return _multiworker()
    return _tpu()


def _best_strategy():
    if len(_workers()) > 1:
        return "multiworker"
    return "mirrored" if len(tf.config.list_logical_devices("GPU")) > 1 else "none"


def _mirrored():
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise UsageError(
            "The strategy 'mirrored' needs two or more devices. Received: "
            f"{len(devices)} ({devices[0].name}). Use --strategy none."
        )
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _multiworker():
    if not _workers():
        raise UsageError(
            "The strategy 'multiworker' needs TF_CONFIG, which names all workers and "
            "which of them this is. `swin-keras launch` sets it."
        )
    _worker_number()  # before the others are waited for
    return tf.distribute.MultiWorkerMirroredStrategy()


def _tpu():
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.OpError) as error:
        raise UsageError(
            f"The strategy 'tpu' needs a TPU, and none answers ({error})."
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def _workers():
    """Return the addresses of all that train, the chief's first."""
    cluster = tf_config().get("cluster", {})
    return [*cluster.get("chief", []), *cluster.get("worker", [])]


def _worker_number() -> int:
    """Return which of `_workers` this process is.

    Raises:
        UsageError: If it is none that trains.
    """
    task = tf_config().get("task", {})
    kind, index = task.get("type", "worker"), int(task.get("index", 0))
    if kind not in ("chief", "worker"):
        raise UsageError(
            "TF_CONFIG must make this process the chief or a worker, which share the "
            f"training. Received: a task of the type {kind!r}."
        )
    has_chief = bool(tf_config().get("cluster", {}).get("chief"))
    return index + (kind == "worker" and has_chief)


def tf_config() -> dict:
    """Return what the environment variable `TF_CONFIG` says, or nothing.

    Raises:
        UsageError: If it is not JSON.
    """
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"TF_CONFIG must be JSON ({error}). Received: {text}"
        ) from None


def trainers_here() -> int:
    """Return how many of the processes that `TF_CONFIG` names run on this machine.

    They share its cores. Two of them have the same host in their addresses.
    """
    config = tf_config()
    cluster, task = config.get("cluster", {}), config.get("task", {})
    everyone = [*cluster.get("chief", []), *cluster.get("worker", [])]
    own = cluster.get(task.get("type", "worker"), [])[int(task.get("index", 0)) :][:1]
    hosts = [address.rpartition(":")[0] for address in [*own, *everyone]]
    return max(1, hosts[1:].count(hosts[0])) if own else 1


class Replicas:
    """The devices that share each batch, and what this process has of them.

    Args:
        strategy: From `make_strategy`.
    """

    def __init__(self, strategy=None):
        self.strategy = strategy
        self.count = strategy.num_replicas_in_sync if strategy else 1
        self.is_multiworker = isinstance(
            strategy, tf.distribute.MultiWorkerMirroredStrategy
        )
        self.worker = _worker_number() if self.is_multiworker else 0

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run's files."""
        return self.worker == 0

    def scope(self):
        """Return the context in which models are built."""
        return (self.strategy or tf.distribute.get_strategy()).scope()

    def distribute(self, make_batches):
        """Return a dataset that gives each replica its shard of every batch.

        Args:
            make_batches: Called with `shards`, those of this machine, and
                `shard_count`; returns their `tf.data.Dataset`.
        """
        if self.strategy is None:
            return make_batches(shards=(0,), shard_count=1)

        def of_machine(context):
            local = self.count // context.num_input_pipelines
            first = context.input_pipeline_id * local
            shards = tuple(range(first, first + local))
            return make_batches(shards=shards, shard_count=self.count)

        return self.strategy.distribute_datasets_from_function(of_machine)

    def gathered(self, function, *values):
        """Return what a function makes of each replica's values, one after another.

        Tensors, whose first axis is the batch; every process gets those of all.
        """
        if self.strategy is None:
            return function(*values)
        results = self.strategy.run(function, values)
        return tf.nest.map_structure(
            lambda result: self.strategy.gather(result, axis=0), results
        )

    def any(self, *flags: bool) -> list[bool]:
        """Return for each flag whether it is up in any process; all get one answer."""
        if not self.is_multiworker:
            return [bool(flag) for flag in flags]
        return [bool(count) for count in self._sum(tf.constant(flags, tf.int32))]

    @tf.function(reduce_retracing=True)
    def _sum(self, values):
        per_replica = self.strategy.run(lambda: tf.identity(values))
        return self.strategy.reduce("SUM", per_replica, axis=None)
