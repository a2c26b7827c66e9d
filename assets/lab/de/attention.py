"""Kausale Self-Attention, vorwärts und zurück.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    Q = X · Wq     K = X · Wk     V = X · Wv
    S = Q · Kᵀ / √d       d Zahlen in einer Query; −∞ über der
                          Diagonale: keine Stelle sieht, was nach
                          ihr kommt
    P = softmax(S)        zeilenweise: was eine Stelle wovon nimmt
    O = P · V

Auf dem Rückweg: von dO, dem Gradienten des Verlusts nach O, zu V, S,
Q, K und X.
"""

import numpy as np


def attention(X, Wq, Wk, Wv, dO):
    """Was Attention aus X macht, und die Gradienten.

    X  (r, n) eine Zeile je Stelle     dO  (r, e)
    Wq, Wk  (n, d)     Wv  (n, e)
    """
    Q = ...  # (r, d)
    K = ...  # (r, d)
    V = ...  # (r, e)
    P = ...  # (r, r)
    O = ...  # (r, e)
    dV = ...  # (r, e)
    dS = ...  # (r, r)    nach S: 0 über der Diagonale
    dQ = ...  # (r, d)
    dK = ...  # (r, d)
    dX = ...  # (r, n)

    return Q, K, V, P, O, dV, dS, dQ, dK, dX
