"""A lesson's numbers: equations forward, backward and through the update, traces, paths, training. No words.

It imports no other room. Read first: `backprop.py`, the idea of the whole program in one short file; then
`expressions.py`, the trees that a step is made of, and `forward.py`, where a lesson becomes equations.
"""

# Whoever enters the room finds the table of operators full.
from tutor.engine import activations as activations
from tutor.engine import indexing as indexing
from tutor.engine import local as local
from tutor.engine import losses as losses
from tutor.engine import normalising as normalising
from tutor.engine import operators as operators
from tutor.engine import products as products
from tutor.engine import reductions as reductions
from tutor.engine import windows as windows
