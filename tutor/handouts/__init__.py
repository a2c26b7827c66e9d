"""What a teacher hands out: question banks for learning platforms, sheets to print and their keys, from the same items.

It imports the rooms up to pictures, and writes text, never a screen. Read first: `asked.py`, a question as
paper and platforms have it, with the numbers that the named slips give; then `platforms.py`, the table of formats.
"""
