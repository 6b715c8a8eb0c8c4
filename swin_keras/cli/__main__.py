"""`python -m swin_keras.cli` does what `swin-keras` does."""

import sys

from swin_keras.cli import main

sys.exit(main())
