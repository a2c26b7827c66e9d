"""What `--version -v` says: how training is run on this machine."""

from __future__ import annotations

from tutor.folders import for_cache
from tutor.lessonfiles.catalogue import one_line

SMALLEST = "typedef double number; typedef long long whole; whole train(void) { return 1; }"


def about_speed() -> str:
    """One sentence: in C, with which compiler and where that is kept; or not in C, and why."""
    try:
        from tutor.engine.compiled import building
    except ImportError:
        return "Training runs in Python and NumPy: this Python has no ctypes."
    compiler = building.compiler()
    if compiler is None:
        if building.switched_off():
            return f"Training runs in Python and NumPy: {building.ENVIRONMENT} is off."
        named = f"cc, or the one that {building.ENVIRONMENT} names"
        return f"Training runs in Python and NumPy: there is no C compiler ({named})."
    said = one_line(str(compiler))
    try:
        folder = one_line(str(for_cache()))
    except RuntimeError as error:
        return f"Training runs in Python and NumPy: there is no folder for compiled code ({error})."
    built = building.build(SMALLEST)
    built.done.wait()
    if built.function is None:
        return f"Training runs in Python and NumPy: {said} makes no library in {folder}."
    return f"Long training runs in C, compiled by {said}, kept in {folder}; {building.ENVIRONMENT}=off turns that off."
