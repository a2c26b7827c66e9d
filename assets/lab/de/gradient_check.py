"""Ein gemessener Gradient, um einen ausgerechneten zu prüfen.

Setze deine Zeilen an die Stelle der Punkte, von oben nach unten;
weitere Zeilen dürfen dazwischen stehen. Nach jedem Speichern läuft
die Datei.

    numeric   für jede Zahl von w, die anderen wie zuvor: (der Verlust,
              wenn sie um eps höher ist, − der, wenn sie um eps
              tiefer ist) / (2 eps)
    error     |numeric − grad| / max(|numeric|, |grad|) für jede Zahl
              von w, und davon der größte Wert
"""

import numpy as np


def gradient_check(loss, w, grad, eps):
    """Der gemessene Gradient, und wie weit grad daneben liegt.

    loss  eine Funktion: loss(w) ist eine Zahl
    w  ein Array beliebiger Form     eps  eine Zahl
    grad  in der Form von w: was jemand als Gradient ausgerechnet hat
    """
    numeric = ...  # in der Form von w
    error = ...  # eine Zahl

    return numeric, error
