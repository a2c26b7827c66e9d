"""An autograd engine: numbers that remember what they were made of.

Put your lines in place of the dots. Each save is run.

With it done,

    x, y = Value(2.0), Value(-3.0)
    f = x * y + x
    f.backward()

leaves df/dx in x.grad and df/dy in y.grad. How:

- Each sum and product makes a Value; its parents are the Values that
  it was made of.
- Its _backward hands its grad on to the parents, each times its own
  local slope. A Value may be used in many places, so what arrives is
  added to what is there.
- backward calls _backward once for each Value that f depends on, in
  such an order that a Value has heard from all its uses before it
  hands on.
- Before that, it sets their grads to 0 (and that of f to 1): called
  twice, it gives the same.
"""

import numpy as np


class Value:
    """A number: data. The slope of the last f for it: grad."""

    def __init__(self, data, parents=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self._backward = lambda: None  # made of nothing

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def _backward():
            ...  # out.grad, to self.grad and to other.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        ...  # the same for a product

    def tanh(self):
        ...  # np.tanh, whose slope is 1 − tanh²

    def backward(self):
        ...
