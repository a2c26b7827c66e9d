"""The id that was meant by what people write instead: dW1, Z1, W1_new, dL/dW1(1,2), yhat."""

from __future__ import annotations

import re
from collections.abc import Callable

from tutor.engine.ids import derivative, of_layer, updated

_LOOSE = re.compile(
    r"(?P<name>(?:grad|gradient|nabla|∇)?[_ ]?[A-Za-z]+?|ŷ)[_^]?(?P<layer>[0-9]*)"
    r"(?P<new>'|_?new|\+|_?updated)?(?P<rest>(?:\[[0-9, ]+\])?(?:@[0-9]+)?)"
)
_INDEX = re.compile(r"\(([0-9]+(?:\s*,\s*[0-9]+)?)\)|\[([0-9]+)\]\s*\[([0-9]+)\]|_\{?([0-9]+),\s*([0-9]+)\}?")
_CALLED_ELSEWHERE = dict(
    pair.split("=")
    for pair in "z=z a=a h=a w=W weight=W weights=W b=b bias=b biases=b x=x input=x inputs=x y=y target=y targets=y "
    "j=J l=L loss=L cost=L error=L delta=dL/dz dz=dL/dz da=dL/da dw=dL/dW db=dL/db gradw=dL/dW gradb=dL/db gradz=dL/dz "
    "grada=dL/da gradientw=dL/dW gradientb=dL/db nablaw=dL/dW nablab=dL/db ∇w=dL/dW ∇b=dL/db ∇z=dL/dz ∇a=dL/da".split()
)
_PREDICTED = frozenset(("ŷ", "yhat", "y_hat", "haty", "output", "outputs", "prediction", "pred", "y_pred", "ypred"))
_LOSSES = ("l", "loss", "c", "e", "j", "cost", "error")


def meant_id(word: str, there: Callable[[str], object]) -> str | None:
    """The id that a word was probably meant for, of those that are `there`: Z1 for z1, dL/dw1 or dw1 for dL/dW1, W1_new
    for W1', dL/dW1(1,2) for dL/dW1[1,2], ŷ for the last activation."""
    if word.casefold() in _PREDICTED:
        return next((id for k in range(20, 0, -1) if there(id := of_layer("activation", k))), None)
    plain = _INDEX.sub(lambda m: f"[{','.join(part for part in m.groups() if part)}]", word)
    plain = re.sub(r"\s*([/\[\],@])\s*", r"\1", plain)
    over, stroke, under = plain.partition("/")
    tries = [plain]
    if stroke:
        below = _loose(under[1:]) if under[:1] in ("d", "∂", "D") else None
        tries += [derivative("L", below)] if below and over[1:].casefold() in _LOSSES else []
    else:
        loose = _loose(plain)
        tries += [loose] if loose else []
        if loose and loose[:1] in "xy" and loose[1:].isdigit():
            tries.append(f"{loose[0]}[{loose[1:]}]")
        if circuit := re.fullmatch(r"(\w+?)(?:_new|_updated|\+)", plain):
            tries.append(updated(circuit[1]))
    return next((id for id in tries if id != word and there(id)), None)


def _loose(word: str) -> str | None:
    """A name of a quantity with its layer and index as ids write it."""
    match = _LOOSE.fullmatch(word)
    called = _CALLED_ELSEWHERE.get(re.sub("[_ ]", "", match["name"]).casefold()) if match else None
    if not match or not called:
        return None
    whole = called + match["layer"]
    return (updated(whole) if match["new"] else whole) + match["rest"]
