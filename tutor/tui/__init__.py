"""The full screen: one file a screen, the only room that imports textual.

It imports every room but cli. Read first: `app.py`; then `screen.py` and `lines.py`, which every screen is made of,
and `player.py`.
"""
