"""What a step is called and how it is written: numbers, formulas in any notation, the sentence of why, cards.

It imports the engine. Read first: `notations.py`, the table of notations; then `namer.py` and `writer.py`, which
write a name and a formula in one of them, `explanations.py`, why, and `card.py`, everything that is said about a step.
"""
