"""What is kept of a learner: the database, progress, the path through the lessons, practice.

It imports the rooms up to play. Read first: `store.py`, the only module that touches the database; then
`records.py`, one place to keep an answer for every front end.
"""
