"""What is asked and how an answer is judged: kinds of question, reading an answer, misconceptions, grading, drills.

It imports the engine and text. Read first: `misconceptions/`, the tables of wrong ways; then `diagnosis.py`, which
finds the one that gives exactly the number that was typed, `grading.py`, and `kinds/`, the kinds of question.
"""
