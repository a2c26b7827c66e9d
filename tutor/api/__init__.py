"""The tutor from Python: what docs/api.md promises. `tutor.load` and the other public names are these.

It imports the rooms up to solutions. A thin layer: a `Lesson` makes a `Trace` of any iteration, that a `Step` by its
id; what they say is data (floats, arrays of one's own, texts), so that nobody need know the rooms behind. All objects
are frozen; arrays that are handed out are copies. Read first: `opening.py`, how one comes to a lesson; then
`lessons.py`, `steps.py` and `solutions.py`.
"""
