"""A lesson being played, without a screen: the cursor and its moves, what-if, runs side by side. Pure.

It imports the rooms up to lessonfiles. Read first: `playback.py`, the cursor over a trace.
"""
