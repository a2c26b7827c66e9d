"""Ein Netz mit zwei Schichten, vorwärts, für ein Beispiel.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    z1 = W1 · x + b1       a1 = σ(z1)       σ(z) = 1 / (1 + exp(−z))
    z2 = W2 · a1 + b2      a2 = σ(z2)
    L = −Σ (y ln a2 + (1 − y) ln(1 − a2))

L ist die binäre Kreuzentropie, summiert über die Ausgaben. W1 ist
(h, n) und W2 (m, h): eine Zeile je Einheit, zu der sie führen.
"""

import numpy as np


def mlp_forward(x, W1, b1, W2, b2, y):
    """Der Vorwärtsdurchgang.

    x  (n,) die Eingaben            W1  (h, n)    b1  (h,)
    y  (m,) Zielwerte, 0 oder 1     W2  (m, h)    b2  (m,)
    """
    z1 = ...  # (h,)
    a1 = ...  # (h,)
    z2 = ...  # (m,)
    a2 = ...  # (m,)
    L = ...  # eine Zahl

    return z1, a1, z2, a2, L
