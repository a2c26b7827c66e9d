"""A lesson's numbers: equations forward, backward and through the update, traces, paths, training. No words.

It imports no other room. Read first: `backprop.py`, the idea of the whole program in one short file; then
`formula.py`, the trees that a step is made of, and `network.py`, which turns a lesson into equations.
"""
