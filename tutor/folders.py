"""Where the tutor keeps what is its own: the learner's data, and what can be made again at any time."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "BACKPROP_TUTOR_DATA"  # a folder for all of it, in place of the user's own


def for_data() -> Path:
    """The folder of what must not be lost. Raises RuntimeError if the environment's `~` stands for no home."""
    folder = os.environ.get(ENVIRONMENT)
    if folder:
        return Path(folder).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("backprop-tutor", appauthor=False))


def for_cache() -> Path:
    """The folder of what can be made again. Raises RuntimeError as `for_data` does."""
    if os.environ.get(ENVIRONMENT):
        return for_data() / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("backprop-tutor", appauthor=False))
