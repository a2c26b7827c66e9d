"""Batch-Normalisierung, vorwärts und zurück.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    mean, var     jeder Spalte von X; var ist der Mittelwert von
                  (x − mean)²
    N             (X − mean) / √(var + eps)
    H             gain · N + shift

Auf dem Rückweg: von dH, dem Gradienten des Verlusts nach H, zu den
anderen. Bedenke, dass jede Zahl einer Spalte auch den Mittelwert und
die Varianz der Spalte bewegt.
"""

import numpy as np


def batch_norm(X, gain, shift, dH, eps):
    """Was Batch-Normalisierung aus X macht, und die Gradienten.

    X  (r, n) eine Zeile je Beispiel     gain  (n,)     shift  (n,)
    dH  (r, n)     eps  eine Zahl
    """
    mean = ...  # (n,)
    var = ...  # (n,)
    N = ...  # (r, n)
    H = ...  # (r, n)
    dgain = ...  # (n,)
    dshift = ...  # (n,)
    dN = ...  # (r, n)
    dX = ...  # (r, n)

    return mean, var, N, H, dgain, dshift, dN, dX
