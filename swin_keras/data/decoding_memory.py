"""Share the memory that large images take while they are decoded."""

import threading
from contextlib import contextmanager

from PIL import Image

SMALL = 2**22  # pixels of an image that never waits
BYTES_A_PIXEL = 8  # decoded, and once more converted or turned
BLOCK = 2**26  # bytes in which Pillow asks for the memory of one image
MAX_BYTES = 2**30  # bytes of all large images that are decoded at the same time


def give_back_pixels():
    """Let Pillow ask for memory in pieces that go back to the system when freed.

    Smaller ones, of up to 32 MiB, are kept by the thread that freed them.
    """
    Image.core.set_block_size(BLOCK)


class Budget:
    """Lets threads proceed while what they hold together is small enough.

    Args:
        limit: Bytes that may be held. One thread alone may hold more.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def holding(self, count: int):
        """Wait until `count` bytes are free, and hold them."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self._held or self._held + count <= self.limit
            )
            self._held += count
        try:
            yield
        finally:
            with self._changed:
                self._held -= count
                self._changed.notify_all()


BUDGET = Budget(MAX_BYTES)


@contextmanager
def memory_for(size: tuple[int, int]):
    """Hold the memory to decode an image of `(width, height)`."""
    pixels = size[0] * size[1]
    if pixels <= SMALL:
        yield
        return
    with BUDGET.holding(BYTES_A_PIXEL * pixels):
        yield
