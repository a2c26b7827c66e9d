"""Zwei Gatter, vorwärts und zurück.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    q = x + y        ein Additionsgatter
    f = q · z        ein Multiplikationsgatter

Auf dem Rückweg: wie sich f mit jedem davon ändert, Gatter für Gatter,
beginnend mit df/df = 1.
"""

import numpy as np


def two_gates(x, y, z):
    """x, y, z sind Zahlen, und alles, was zurückgegeben wird, auch."""
    q = ...
    f = ...
    dq = ...  # df/dq
    dz = ...  # df/dz
    dx = ...  # df/dx
    dy = ...  # df/dy

    return q, f, dq, dz, dx, dy
