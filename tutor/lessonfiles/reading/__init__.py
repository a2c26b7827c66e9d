"""From the values of a lesson file to a lesson, part by part. Read first: `lesson.py`, then `values.py`."""
