"""Ein rekurrentes Netz, vorwärts und zurück durch die Zeit.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    z = Wx · x + Wh · h + b      x: die Eingabe eines Zeitpunkts
    das nächste h = tanh(z)      h: der Zustand des Zeitpunkts davor

Auf dem Rückweg: dh ist der Gradient des Verlusts nach dem letzten
Zustand. Es geht von jedem Zeitpunkt zu dem davor. Wx, Wh und b wurden
zu jedem Zeitpunkt verwendet.
"""

import numpy as np


def recurrence(X, h0, Wx, Wh, b, dh):
    """Die Zustände eines rekurrenten Netzes, und die Gradienten.

    X  (3, n) eine Zeile je Zeitpunkt     h0  (d,) der Anfangszustand
    Wx  (d, n)     Wh  (d, d)     b  (d,)     dh  (d,)
    """
    H = ...  # (3, d) die drei Zustände
    dZ = ...  # (3, d) die Gradienten nach z; dZ[2] des letzten
    dWx = ...  # (d, n)
    dWh = ...  # (d, d)
    db = ...  # (d,)

    return H, dZ, dWx, dWh, db
