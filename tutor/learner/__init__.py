"""What is kept of a learner: the database, progress, the path through the lessons, practice.

It imports the rooms up to play. Read first: `store.py`, what is kept (`database.py` alone touches the file); then
`records.py`, one place to keep an answer for every front end.
"""
