"""Whole solutions: the arrays that somebody worked out, held against a lesson's, and the slip that explains them.

It imports the rooms up to lessonfiles. Read first: `judging.py`, which decides; then `expected.py` (what should follow
from wrong arrays), `searching.py` (which slip gives an array), `naming.py` (what an array is called in a file, and
which step it is), `files.py` (what is read, and how finely it is written), `cells.py` (arrays with blanks, judged
number by number).
A lesson as a program: `program_text.py`, by the lines of `program_lines.py`.
"""
