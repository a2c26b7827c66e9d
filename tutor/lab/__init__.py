"""The lab: exercises that a learner writes in Python, each save run in a process of its own and diagnosed.

It imports the rooms up to learner. Read first: `exercise.py`, what an exercise is; then `exercises/`, the table of
them, `checking.py`, from a file to verdicts, and `runner.py`, the process. `child.py` and `drivers.py` are what
runs in it: they know nothing of the tutor. The skeletons are the files of `assets/lab`.
"""
