"""Training: one configuration in, one run folder out.

`train` itself is in `train.py`, so that the command line can read the options
without TensorFlow.
"""

from swin_keras.training.config import TrainConfig

__all__ = ["TrainConfig"]
