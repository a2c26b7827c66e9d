"""Ein Netz mit zwei Schichten, rückwärts.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    z1 = W1 · x + b1       a1 = σ(z1)
    z2 = W2 · a1 + b2      a2 = σ(z2)       L = ½ Σ (a2 − y)²

Der Vorwärtsdurchgang ist schon gemacht; von ihm hast du a1 und a2.
W1 ist (h, n) und W2 (m, h): eine Zeile je Einheit, zu der sie führen.
Jeder Gradient hat die Form seines Parameters.
"""

import numpy as np


def mlp_backward(x, y, W2, a1, a2):
    """Die Gradienten des Verlusts.

    x  (n,) die Eingaben     y  (m,) die Zielwerte
    W2  (m, h)     a1  (h,)     a2  (m,)
    """
    dW2 = ...  # (m, h)
    db2 = ...  # (m,)
    dW1 = ...  # (h, n)
    db1 = ...  # (h,)

    return dW1, db1, dW2, db2
