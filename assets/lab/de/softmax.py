"""Eine Schicht mit Softmax und Kreuzentropie, vorwärts und zurück.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    z = W · x + b
    p = exp(z) / Σ exp(z)     Softmax: Wahrscheinlichkeiten, in Summe 1
    L = −Σ y ln p             Kreuzentropie

Die Zahlen in z können 1000 groß sein, und exp(1000) ist für einen
Computer zu groß. Zieh vor exp das größte z von allen ab: p bleibt
gleich.

Auf dem Rückweg: Jedes z bewegt jedes p, durch die Summe unter dem
Bruchstrich.
"""

import numpy as np


def softmax(x, W, b, y):
    """Der Verlust eines Beispiels und seine Gradienten.

    x  (n,) die Eingaben    W  (k, n) eine Zeile je Klasse    b  (k,)
    y  (k,) der Zielwert: 1 bei der wahren Klasse, 0 bei den anderen
    """
    z = ...  # (k,)
    p = ...  # (k,)
    L = ...  # eine Zahl
    dp = ...  # (k,)    dL/dp
    dz = ...  # (k,)
    dW = ...  # (k, n)
    db = ...  # (k,)

    return z, p, L, dp, dz, dW, db
