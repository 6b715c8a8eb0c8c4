"""How much of a LiteRT file XNNPACK runs: the CPU code that phones use too."""

from dataclasses import dataclass
from pathlib import Path

from swin_keras.processes import quiet


@dataclass(frozen=True)
class Coverage:
    """How a LiteRT file is run on a CPU.

    Args:
        operations: Operations of the file.
        delegated: How many of them XNNPACK runs.
        partitions: Into how many pieces XNNPACK's part falls; each border costs.
    """

    operations: int
    delegated: int
    partitions: int

    @property
    def is_full(self) -> bool:
        """Whether XNNPACK runs everything, in one piece."""
        return self.partitions == 1 and self.delegated == self.operations

    def __str__(self):
        return f"{self.delegated}/{self.operations} in {self.partitions}"


def coverage(path: Path) -> Coverage:
    """Load a LiteRT file and see which operations went to XNNPACK.

    Python's interpreter always tries XNNPACK. Its nodes follow the file's own;
    one of those was taken over if what it writes is written by a delegate's node
    or has no memory any more.

    Args:
        path: A `.tflite` file of static shapes.
    """
    from ai_edge_litert.interpreter import Interpreter

    with quiet():
        interpreter = Interpreter(str(path))
        interpreter.allocate_tensors()
    nodes = interpreter._get_ops_details()  # there is no public way
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    own = [node for node in nodes if node["op_name"] != "DELEGATE"]
    written = {tensor for node in delegates for tensor in node["outputs"]}
    delegated = sum(
        any(t in written or not _has_memory(interpreter, t) for t in node["outputs"])
        for node in own
    )
    return Coverage(len(own), delegated, len(delegates))


def _has_memory(interpreter, tensor) -> bool:
    try:
        interpreter.get_tensor(tensor)
    except ValueError:
        return False
    return True
