"""After the model is built nobody asks whether a network or a circuit was written."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Who reads and writes lesson files, whose tables they are; who makes the model of them; and who edits a file's values.
MAKERS = {"engine/lesson.py", "engine/forward.py", "engine/circuit.py", "engine/network.py", "play/whatif.py"}
MAKERS |= {"engine/same_shape.py", "engine/blueprint.py"}  # compare what was written
MAKERS |= {"text/general.py", "play/doctor.py"}  # make networks of their own
ASKED = re.compile(r"\.(network|circuit)\b(?!\s*import)|isinstance\([^)]*\b(Network|Circuit)\b")


def test_nobody_asks_how_a_lesson_was_written():
    asking = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "tutor").rglob("*.py"))
        if str(path.relative_to(ROOT / "tutor")) not in MAKERS and "lessonfiles" not in path.parts
        for line in path.read_text(encoding="utf-8").splitlines()
        if ASKED.search(line) and not line.lstrip().startswith(("from ", "import ", "#"))
    ]
    assert not asking
