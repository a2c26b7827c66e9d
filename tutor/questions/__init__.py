"""What is asked and how an answer is judged: kinds of question, reading an answer, misconceptions, grading, drills.

It imports the engine and text. Read first: `misconceptions.py`, the table of wrong ways; then `grading.py`, which
finds the one that gives exactly the number that was typed, and `kinds.py`, the kinds of question.
"""
