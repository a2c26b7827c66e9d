"""Gewichtszerfall: eine Steuer auf die Gewichte einer Schicht, und ein
Update.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    Z = X · Wᵀ + b       die Vorhersagen, eine Zeile je Beispiel
    L = der Mittelwert über die Beispiele von ½ Σ (z − y)²
    J = L + (lam / 2) · die Summe aller quadrierten Gewichte

Σ summiert über die Ausgaben eines Beispiels. Biases zahlen keine
Steuer. Minimiert wird J: Das Update geht lr mal seinen Gradienten
bergab.
"""

import numpy as np


def weight_decay(X, Y, W, b, lam, lr):
    """Die Zielfunktion, ihr Gradient und die Parameter danach.

    X  (r, n) r Beispiele     Y  (r, m) die Zielwerte
    W  (m, n)     b  (m,)     lam, lr  Zahlen
    """
    Z = ...  # (r, m)
    L = ...  # eine Zahl
    J = ...  # eine Zahl
    dW = ...  # (m, n)    dL/dW, ohne die Steuer
    dJ = ...  # (m, n)    dJ/dW
    db = ...  # (m,)
    new_W = ...  # (m, n)
    new_b = ...  # (m,)

    return Z, L, J, dW, dJ, db, new_W, new_b
