"""Eine Autograd-Maschine: Zahlen, die noch wissen, woraus sie
entstanden sind.

Setze deine Zeilen an die Stelle der Punkte. Nach jedem Speichern
läuft die Datei.

Wenn sie fertig ist, legt

    x, y = Value(2.0), Value(-3.0)
    f = x * y + x
    f.backward()

df/dx in x.grad und df/dy in y.grad ab. So geht es:

- Jede Summe und jedes Produkt ergibt einen Value; seine parents sind
  die Values, aus denen er entstanden ist.
- Sein _backward gibt seinen grad an die parents weiter, jedem mal
  dessen lokale Steigung. Ein Value kann an vielen Stellen verwendet
  werden; darum wird, was ankommt, zu dem addiert, was schon da ist.
- backward ruft _backward einmal für jeden Value auf, von dem f
  abhängt, und zwar so, dass ein Value von all seinen Verwendungen
  gehört hat, bevor er weitergibt.
- Davor setzt es ihre grads auf 0 (und den von f auf 1): Zweimal
  aufgerufen, gibt es dasselbe.
"""

import numpy as np


class Value:
    """Eine Zahl: data. Die Steigung des letzten f nach ihr: grad."""

    def __init__(self, data, parents=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self._backward = lambda: None  # aus nichts entstanden

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def _backward():
            ...  # out.grad, zu self.grad und zu other.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        ...  # dasselbe für ein Produkt

    def tanh(self):
        ...  # np.tanh, mit der Steigung 1 − tanh²

    def backward(self):
        ...
