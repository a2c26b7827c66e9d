"""Lesson files: which there are, the format, reading and writing them, and what is wrong with one.

It imports the engine, text and questions; `catalogue.py` and `positions.py` do without NumPy. Read first: `schema.py`,
the format declared once; then `reading/lesson.py`, from a file to a lesson. Files that lessons name: `beside.py` says
where they may be, `array_files.py` reads arrays, `model_layers.py` finds the layers of a network among them.
"""
