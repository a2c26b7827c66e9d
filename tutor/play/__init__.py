"""A lesson being played, without a screen: the cursor and its moves, what-if, runs side by side, papers, exams. Pure.

It imports the rooms up to lessonfiles. Read first: `sitting.py`, all that a front end holds of a lesson.
"""
