"""What `--version -v` says: how training is run on this machine."""

from __future__ import annotations

from tutor.folders import for_cache
from tutor.lessonfiles.catalogue import one_line
from tutor.text.language import N_, say

SMALLEST = "typedef double number; typedef long long whole; whole train(void) { return 1; }"


def about_speed() -> str:
    """One sentence: in C, with which compiler and where that is kept; or not in C, and why."""
    try:
        from tutor.engine.compiled import building
    except ImportError:
        return say("Training runs in Python and NumPy: this Python has no ctypes.")
    compiler = building.compiler()
    if compiler is None:
        if building.switched_off():
            return say("Training runs in Python and NumPy: {variable} is off.", variable=building.ENVIRONMENT)
        told = N_("Training runs in Python and NumPy: there is no C compiler (cc, or the one that {variable} names).")
        return say(told, variable=building.ENVIRONMENT)
    named = one_line(str(compiler))
    try:
        folder = one_line(str(for_cache()))
    except RuntimeError as error:
        return say("Training runs in Python and NumPy: there is no folder for compiled code ({why}).", why=error)
    built = building.build(SMALLEST)
    built.done.wait()
    if built.function is None:
        told = N_("Training runs in Python and NumPy: {compiler} makes no library in {folder}.")
        return say(told, compiler=named, folder=folder)
    told = N_("Long training runs in C, compiled by {compiler}, kept in {folder}; {variable}=off turns that off.")
    return say(told, compiler=named, folder=folder, variable=building.ENVIRONMENT)
