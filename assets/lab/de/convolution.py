"""Eine Faltung, vorwärts und zurück.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

Der Kern k liegt auf jeder Stelle des Bildes x, an der er ganz
hineinpasst, so wie er ist, nicht umgedreht. An jeder Stelle werden
seine Zahlen mit denen darunter multipliziert; die Produkte und b
werden addiert: z.

Auf dem Rückweg: von dz, dem Gradienten des Verlusts nach z, zu k, b
und x. Jede Zahl von k, und b, wurde an jeder Stelle verwendet, eine
Zahl von x unter vielen Kopien von k.
"""

import numpy as np


def convolution(x, k, b, dz):
    """Die Faltung eines Bildes und ihre Gradienten.

    x  (h, w) das Bild     k  (s, t) der Kern     b  eine Zahl
    dz  (h − s + 1, w − t + 1)
    """
    z = ...  # (h − s + 1, w − t + 1)
    dk = ...  # (s, t)
    db = ...  # eine Zahl
    dx = ...  # (h, w)

    return z, dk, db, dx
