"""Ein Update mit Momentum.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

Die Geschwindigkeit v erinnert sich an frühere Gradienten: Ein Anteil
mu der alten bleibt, und der Gradient g wird dazu addiert. Dann macht
der Parameter einen Schritt bergab: lr mal die neue Geschwindigkeit.
"""

import numpy as np


def momentum(w, v, g, lr, mu):
    """Die Geschwindigkeit und der Parameter nach einem Update.

    w, v, g  von gleicher Form     lr, mu  Zahlen

    w und v sollen bleiben, wie sie sind: Lege neue Arrays an.
    """
    new_v = ...
    new_w = ...

    return new_v, new_w
