"""Many small cases in one test: a test of its own costs more than most of them take."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable
from functools import wraps

# A mutant is killed by the first case that notices it; a person wants to know which of the others fail, too.
AT_ONCE = os.environ.get("BACKPROP_TUTOR_TESTS") in ("quick", "mutant")


def each(names: str | tuple[str, ...], cases: Iterable) -> Callable[[Callable], Callable]:
    """As `pytest.mark.parametrize`, but all cases in one test, which tells all those that fail, with their values.

    For what is quick, needs nothing undone between one case and the next, and is told apart well enough by its values.
    """
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    cases = list(cases)

    def decorate(test: Callable) -> Callable:
        signature = inspect.signature(test)

        @wraps(test)
        def all_of_them(*args, **fixtures) -> None:
            failed = []
            for case in cases:
                given = dict(zip(wanted, case if len(wanted) > 1 else (case,), strict=True))
                try:
                    test(*args, **fixtures, **given)
                except Exception as error:
                    error.add_note(f"with {', '.join(f'{name} = {value!r}' for name, value in given.items())}")
                    failed.append(error)
                    if AT_ONCE:
                        break
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(cases)} cases fail", failed)

        others = [parameter for name, parameter in signature.parameters.items() if name not in wanted]
        all_of_them.__signature__ = signature.replace(parameters=others)  # what pytest is to give
        return all_of_them

    return decorate
