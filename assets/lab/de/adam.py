"""Ein Update mit Adam.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    m      ein laufender Mittelwert der Gradienten g: ein Anteil beta1
           vom alten, 1 − beta1 vom neuen
    v      dasselbe von ihren Quadraten, mit beta2
    mhat   m, korrigiert, weil es bei 0 begonnen hat; vhat ebenso
    w      macht einen Schritt bergab: lr mal mhat, geteilt durch die
           Wurzel aus vhat plus eps
"""

import numpy as np


def adam(w, m, v, g, t, lr, beta1, beta2, eps):
    """Die Mittelwerte und der Parameter nach einem Update.

    w, m, v, g  von gleicher Form     t  die Nummer des Updates, ab 1
    lr, beta1, beta2, eps  Zahlen

    w, m und v sollen bleiben, wie sie sind: Lege neue Arrays an.
    """
    new_m = ...
    new_v = ...
    mhat = ...
    vhat = ...
    new_w = ...

    return new_m, new_v, mhat, vhat, new_w
