"""Lesson files: which there are, the format, reading and writing them, and what is wrong with one.

It imports the engine, text and questions; `catalogue.py` and `positions.py` do without NumPy. Read first: `schema.py`,
the format declared once; then `reading/lesson.py`, from a file to a lesson.
"""
