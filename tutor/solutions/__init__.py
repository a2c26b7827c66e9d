"""Whole solutions: the arrays that somebody worked out, held against a lesson's, and the slip that explains them.

It imports the rooms up to lessonfiles. Read first: `judging.py`, which decides; then `naming.py`
(what an array is called in a file, and which step it is), `files.py` (what is read, and how finely it is written), and
`cells.py` (arrays with blanks, judged number by number).
A lesson as a program: `program_text.py`, by the lines of `program_lines.py`.
"""
