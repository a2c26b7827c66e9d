"""Pictures in cells: networks, circuits, plots, and what a step means. Plain spans that any front end draws.

It imports the rooms up to play. Read first: `canvas.py`, the grid of braille dots; then `diagram.py`.
"""
