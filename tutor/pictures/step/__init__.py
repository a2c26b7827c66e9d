"""Pictures of a step, a kind a file, drawn in cells and told in words. Read first: `shown.py`, then `kinds.py`."""
