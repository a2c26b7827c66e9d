"""Ein Netz auf einem ganzen Batch, ohne Schleife über die Beispiele.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    Z1 = X · W1ᵀ + b1      A1 = ReLU(Z1)       ReLU(z) = max(z, 0)
    Z2 = A1 · W2ᵀ + b2     A2 = ReLU(Z2)
    L = der Mittelwert über die Beispiele von ½ Σ (a2 − y)²

Σ summiert über die Ausgaben eines Beispiels. Eine Zeile ist ein
Beispiel, in X und in allem, was daraus entsteht. dZ1 und dZ2 haben
den Gradienten des Verlusts jedes einzelnen Beispiels; der Mittelwert
über die Beispiele wird in dW und db gebildet.
"""

import numpy as np


def batch(X, W1, b1, W2, b2, Y):
    """Der Verlust eines Batchs und seine Gradienten.

    X  (r, n) r Beispiele        W1  (h, n)    b1  (h,)
    Y  (r, m) die Zielwerte      W2  (m, h)    b2  (m,)
    """
    Z1 = ...  # (r, h)
    A1 = ...  # (r, h)
    Z2 = ...  # (r, m)
    A2 = ...  # (r, m)
    L = ...  # eine Zahl
    dZ2 = ...  # (r, m)
    dW2 = ...  # (m, h)
    db2 = ...  # (m,)
    dZ1 = ...  # (r, h)
    dW1 = ...  # (h, n)
    db1 = ...  # (h,)

    return Z1, A1, Z2, A2, L, dZ2, dW2, db2, dZ1, dW1, db1
