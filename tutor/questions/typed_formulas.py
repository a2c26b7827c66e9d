"""A formula as a person types it, or as any notation shows it, read into a tree. Nothing is executed.

One grammar, from the left to the right, powers first:

    choice   sum [if comparison [,] else choice]
    sum      term {+ or − term}
    term     factor {· or @ or ⊙ or / or ⊘ or nothing, factor}     what a product means follows from the shapes
    factor   ± factor | power
    power    atom {² ⁻¹ ᵗ ᵀ %} [^ factor]
    atom     number | name | function atom | ( choice ) | ( comparison ) | [ list ] | |sum| | ‖sum‖ | Σ term | diag atom

A comparison is 1 where it holds, else 0; so 1(x ≥ y) is a product. What could mean two things is asked about, by a
`NotUnderstood` that says which. What the words of a lesson mean, a `Vocabulary` knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tutor.engine.activations import derivative
from tutor.engine.expressions import ONE, OPERATORS, Call, Const, Expr, call, negative, product, walk
from tutor.engine.parsing import FUNCTIONS, FormulaError, Named, apply_to_arrays
from tutor.messages import alternatives
from tutor.questions.array_words import ARRAY_WORDS
from tutor.questions.tokens import Function, NotUnderstood, Token, Vocabulary, plain_digits, short, tokens
from tutor.questions.typed_meaning import Relation, array_product, power, summed, transposed
from tutor.text.language import N_, said, say

MAX_DEPTH = 50  # brackets in brackets
MAX_LINKS = 150  # factors of one product, terms of one sum


@dataclass(frozen=True)
class Typed:
    """What was read: the tree, whether it has decimals in it, and how a comma was taken."""

    formula: Expr
    decimals: bool = False
    note: str = ""


# ---------------------------------------------------------------- the grammar


@dataclass
class _Parser:
    found: list[Token]
    words: Vocabulary
    depth: int = 0
    at: int = 0
    bars: int = 0
    lists: bool = False  # whether a comma stands between the arguments of a list
    decimals: bool = False
    commas: list[str] = field(default_factory=list)
    over: dict[int, Expr] = field(default_factory=dict)  # what was taken along the axis of an index, by its identity
    loose: tuple[str, str] | None = None  # how the last factor could go on, if something stands beside it

    @property
    def next(self) -> Token:
        return self.found[self.at]

    def sees(self, *signs: str) -> bool:
        return self.next.kind in ("op", "word") and self.next.text in signs

    def take(self) -> Token:
        self.at += 1
        return self.found[self.at - 1]

    def expect(self, sign: str, of: str) -> None:
        if not self.sees(sign):
            told = N_("'{sign}' is missing before '{next}': close the bracket of {of}")
            if self.next.kind == "end":
                told = N_("'{sign}' is missing at the end: close the bracket of {of}")
            raise NotUnderstood(say(told, sign=sign, next=short(self.next.text), of=of))
        self.at += 1

    def nested(self, parse: Callable[[], Expr], lists: bool) -> Expr:
        """What stands in brackets, where a comma may separate, or not."""
        if self.depth >= MAX_DEPTH:
            raise NotUnderstood(say("that is nested too deep: give a number or a shorter expression"))
        before = self.lists, self.bars
        self.depth, self.lists, self.bars = self.depth + 1, lists, 0
        result = parse()
        self.depth -= 1
        self.lists, self.bars = before
        self.loose = None
        return result

    def whole(self) -> Expr:
        """All there is. Raises NotUnderstood for what is left over."""
        result = self.choice()
        if self.next.kind == "end":
            return result
        if self.sees(",", ";"):
            raise NotUnderstood(say("give one number"))
        if self.next.kind == "number":
            before = self.found[self.at - 1]
            if before.kind == "number":
                raise NotUnderstood(say("give one number"))
        elif self.sees(*"<>≥≤"):
            raise NotUnderstood(say("a comparison is no number: put it in brackets, as in 1(x ≥ y)"))
        told = N_("an operator is missing before '{next}': give a number or an expression")
        raise NotUnderstood(say(told, next=self.next.text if self.next.kind == "number" else short(self.next.text)))

    def choice(self) -> Expr:
        first = self.sum()
        if not self.sees("if"):
            return first
        self.take()
        condition = self.comparison(self.sum())
        if self.sees(","):
            self.take()
        if not self.sees("else"):
            raise NotUnderstood(say("say what it is else: as in (1 if z > 0, else 0)"))
        self.take()
        if self.depth >= MAX_DEPTH:
            raise NotUnderstood(say("that is nested too deep: give a number or a shorter expression"))
        self.depth += 1
        other = self.choice()
        self.depth -= 1
        return condition.choose(first, other)

    def comparison(self, left: Expr) -> Relation:
        if not self.sees(*"<>≥≤="):
            raise NotUnderstood(say("a comparison is missing, as in z > 0"))
        sign = self.take().text
        return Relation(left, sign, self.sum())

    def sum(self) -> Expr:
        left, run, links = self.term(), False, 0  # run: `left` is a sum begun here, so a further + joins it
        while self.sees("+", "-") and not self._begins_the_next():
            op, right = self.take().text, self.term()
            left, right = self.aligned(left, right)
            if op == "+" and run and isinstance(left, Call):
                left = Call("add", (*left.args, right))
            else:
                left = left + right if op == "+" else left - right
            run = op == "+"
            links = self._link(links)
        return left

    def _begins_the_next(self) -> bool:
        """Whether a sign belongs to the next number of a list: [0.1 -0.2]."""
        return self.lists and self.next.spaced and not self.found[self.at + 1].spaced and self._columns

    _columns = False  # whether spaces separate in the list that is being read

    def _link(self, links: int) -> int:
        if links >= MAX_LINKS:
            raise NotUnderstood("that is too long for an answer: give a number or a short expression")
        return links + 1

    def term(self) -> Expr:
        left, divided, links = self.factor(), "", 0
        while True:
            start = self.at
            if self.sees("*", "·", "@", "⊙"):
                sign = self.take().text
                right = self.factor()
                left, right = self.aligned(left, right) if sign in "⊙*" else (left, right)
                left = array_product(left, right, sign, self.words.arrays)
                divided = ""
            elif self.sees("/"):
                over = self.found[start - 1]
                self.take()
                under = self.found[self.at]
                left, right = self.aligned(left, self.factor())
                left = left / right
                short = over.kind == under.kind == "number" and self.at == start + 2
                divided = "" if short and (self.next.spaced or self.sees("(")) else "/"
            elif self._beside():
                if divided or self.loose:
                    self._ask(divided)
                right = self.factor()
                one = left == ONE and _is_comparison(right)
                left = right if one else array_product(left, right, "·", self.words.arrays)
            else:
                return left
            links = self._link(links)

    def _beside(self) -> bool:
        """Whether something stands here that a product without a sign goes on with."""
        token = self.next
        if self.lists and self._columns and token.spaced:
            return False
        if token.kind in ("name", "function", "sum") or self.sees("(", "[", "Σ", "√", "diag"):
            return True
        if token.kind == "number" and self.found[self.at - 1].text == ")":
            return True
        return self.sees("|", "‖") and not self.bars

    def _ask(self, divided: str) -> None:
        """A product without a sign after what may reach over it."""
        beside = self.next.text if self.next.kind != "op" else f"{self.next.text}…"
        if divided:
            told = N_("is {factor} below the stroke of the fraction or beside it? write * or brackets")
            raise NotUnderstood(say(told, factor=beside))
        before, _ = self.loose or ("", "")
        raise NotUnderstood(say("does {first} reach over {factor}? write * or brackets", first=before, factor=beside))

    def factor(self) -> Expr:
        self.loose = None
        minus = False
        while self.sees("+", "-"):
            minus ^= self.take().text == "-"
        found = self.power()
        return negative(found) if minus else found

    def power(self) -> Expr:
        base = self.postfixed(self.atom())
        if not self.sees("^"):
            return base
        self.take()
        first = self.next
        if self.depth >= MAX_DEPTH:
            raise NotUnderstood(say("that is nested too deep: give a number or a shorter expression"))
        self.depth += 1
        exponent = self.factor()
        self.depth -= 1
        bracketed = first.kind == "op" and first.text == "("
        glued = not bracketed and not self.next.spaced and self.next.kind in ("name", "function")
        self.loose = (say("the power"), "") if glued else None
        return power(base, exponent)

    def postfixed(self, base: Expr) -> Expr:
        """With what is raised beside it, and per cent."""
        while True:
            if self.next.kind == "raised":
                text = self.take().text
                base = transposed(base) if text == "ᵀ" else power(base, self._raised(text))
            elif self.sees("%"):
                self.take()
                if self._beside() or self.next.kind == "number":
                    raise NotUnderstood(say("% is per cent here: 20% is 0.2"))
                base = base / 100
            else:
                return base

    def _raised(self, text: str) -> Expr:
        plain = plain_digits(text)
        if re.fullmatch(r"-?[0-9]{1,9}", plain):
            return Const(float(plain))
        if self.depth >= MAX_DEPTH:
            raise NotUnderstood(say("that is nested too deep: give a number or a shorter expression"))
        return _Parser(tokens(plain, self.words), self.words, self.depth + 1).whole()

    def atom(self) -> Expr:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "name":
            assert token.value is not None
            return token.value
        if token.kind == "function":
            return self.function(token)
        if token.kind == "sum":
            start, body = self.at, self.nested(self.term, False)
            if token.text != "e":
                lowered = {name.text[-2:] for name in self.found[start : self.at] if name.kind == "name"}
                over_letter = bool(lowered & {"ᵢₖ", "ₖⱼ"}) or not self.words.arrays or not body.shape
                return summed(body, lowered) if over_letter else self.over_index("sum", [body], token.text)
            if not body.batched:
                raise NotUnderstood(say("mark what each example has of its own: Σₑ dW@e"))
            return call("batch_sum", body, param=self.words.examples)
        if token.kind == "op" and token.text == "(":
            return self.nested(self.bracket, False)
        if token.kind == "op" and token.text == "[":
            return self.listed()
        if token.kind == "op" and token.text in ("|", "‖"):
            return self.fence(token.text)
        if token.kind == "op" and token.text == "Σ":
            return call("sum", self.nested(self.term, self.lists))
        if token.kind == "word" and token.text == "diag":
            return self.diagonal(self.nested(self.atom, False))
        if token.kind == "end":
            raise NotUnderstood(
                say("a number, a name or a bracket is missing at the end: give a number or an expression")
            )
        told = N_("a number, a name or a bracket is missing instead of '{text}': give a number or an expression")
        raise NotUnderstood(say(told, text=short(token.text)))

    def number(self, token: Token) -> Expr:
        """A number; with a comma for its point where a comma can mean nothing else."""
        comma, after = self.next, self.found[min(self.at + 1, len(self.found) - 1)]
        glued = comma.kind == "op" and comma.text == "," and not comma.spaced and after.kind == "number"
        if glued and not after.spaced and not self.lists and token.text.isdigit():
            self.at += 2
            self.decimals = True
            text = f"{token.text},{after.text}"
            if "." in after.text:
                told = N_("{number}: write it without the comma between the thousands")
                raise NotUnderstood(say(told, number=short(text)))
            meant = f"{token.text}.{after.text}"
            self.commas.append(say("read {typed} as {meant}", typed=short(text), meant=short(meant)))
            return Const(float(meant))
        if glued and not after.spaced and not self.lists and "." in token.text:
            meant = f"{token.text.replace('.', '')}.{after.text}"
            typed = short(f"{token.text},{after.text}")
            raise NotUnderstood(say("{typed}: write {meant}", typed=typed, meant=short(meant)))
        self.decimals |= "." in token.text
        assert token.value is not None
        return token.value

    def bracket(self) -> Expr:
        """What stands between ( and ): a value, or comparisons."""
        value = self.choice()
        if self.sees(*"<>≥≤="):
            found = self.comparison(value).holds
            while self.sees(","):
                self.take()
                found = product(found, self.comparison(self.sum()).holds)
            value = found
        self.expect(")", "'('")
        return value

    def fence(self, sign: str) -> Expr:
        """|x|, or the length of a vector."""

        def inside() -> Expr:
            self.bars = 1
            value = self.sum()
            if not self.sees(sign):
                raise NotUnderstood(say("'{sign}' is missing: close what it opened", sign=sign))
            self.take()
            return value

        value = self.nested(inside, False)
        return call("abs", value) if sign == "|" else call("sqrt", call("sum", power(value, Const(2.0))))

    def listed(self) -> Expr:
        """A column or a matrix of numbers: [1, 2], [[1, 2], [3, 4]], [1 2; 3 4]."""

        def inside() -> Expr:
            columns, self._columns = self._columns, True
            rows: list[list[Expr]] = [[]]
            while not self.sees("]"):
                if self.sees(";"):
                    self.take()
                    rows.append([])
                    continue
                rows[-1].append(self.choice())
                if self.sees(","):
                    self.take()
                elif not (self.sees("]", ";") or self.next.spaced):
                    break
                if self.next.kind == "end":
                    break
            self.expect("]", "'['")
            self._columns = columns
            rows = [items for items in rows if items]
            if not rows:
                raise NotUnderstood(say("there is nothing between [ and ]"))
            if len(rows) == 1:
                return call("stack", *rows[0])
            return call("stack", *(call("stack", *items) for items in rows))

        return self.nested(inside, True)

    def diagonal(self, vector: Expr) -> Expr:
        """diag a: a on the diagonal, else 0."""
        (n,) = vector.shape
        if n > 64:
            raise NotUnderstood(say("that is too large to be written out: name single elements"))
        unit = call("stack", *(call("stack", *(float(i == k) for i in range(n))) for k in range(n)))
        return call("mul", call("rows", vector, vector), unit)

    def function(self, token: Token) -> Expr:
        meant = token.function
        assert meant is not None
        if not self.sees("("):
            if meant.least > 1:
                raise NotUnderstood(say("{name} takes its arguments in brackets: {name}(a, b)", name=token.text))
            if self.next.kind == "end" or self.sees(")", "]", ","):
                raise NotUnderstood(say("{name} is a function: write {name}(...)", name=token.text))
            if self.depth >= MAX_DEPTH:
                raise NotUnderstood(say("that is nested too deep: give a number or a shorter expression"))
            self.depth += 1
            value = self.factor()
            self.depth -= 1
            self.loose = (token.text, "")
            return self._apply(meant, [value], token.text)

        def inside() -> Expr:
            args.append(self.choice())
            while self.sees(","):
                self.take()
                if self.next.kind == "setting":
                    settings.append(self.take().text)
                else:
                    args.append(self.choice())
            self.expect(")", token.text)
            return args[0]

        args: list[Expr] = []
        settings: list[str] = []
        self.take()
        self.nested(inside, meant.most > 1 or meant.arrays)
        if meant.over:
            return self.over_index(token.text, args, meant.over, settings)
        of_one = len(args) == 1 and args[0].shape != ()
        if meant.arrays and (settings or of_one or token.text not in FUNCTIONS):
            return _of_arrays(token.text, args, settings)
        if settings:
            raise NotUnderstood(say("{name}() has no {setting}", name=token.text, setting=settings[0]))
        return self._apply(meant, args, token.text)

    def over_index(self, text: str, args: list[Expr], index: str, settings: Sequence[str] = ()) -> Expr:
        """A function along the axis of an index: meanⱼ(X). What is left has the other indices (see `aligned`)."""
        found = _of_arrays(text, args, [*settings, f"axis={'ijkl'.index(index) if index in 'ijkl' else 9}"])
        self.over[id(found)] = found
        return found

    def aligned(self, x: Expr, y: Expr) -> tuple[Expr, Expr]:
        """Two values that go with each other number by number: Σⱼ(X) has the index i, so it goes with the rows of X.

        NumPy would put it to the last axis; so it has an axis of length 1 in place of the one that was summed over.
        """
        return self._along(x, y), self._along(y, x)

    def _along(self, x: Expr, other: Expr) -> Expr:
        axis = self._axis_over(x) if self.over and len(other.shape) == len(x.shape) + 1 else None
        if axis is None:
            return x
        at = len(other.shape) + axis
        return call("reshape", x, param=(*x.shape[:at], 1, *x.shape[at:]))

    def _axis_over(self, x: Expr) -> int | None:
        """The axis (from the end) that all the sums and means over an index in a value went along; None without any."""
        if not isinstance(x, Call):
            return None
        if id(x) in self.over and len(x.shape) < len(x.args[0].shape):
            return int(x.param)
        found = {self._axis_over(arg) for arg in x.args if arg.shape} if OPERATORS[x.op].elementwise else {None}
        return found.pop() if len(found) == 1 else None

    def _apply(self, meant: Function, args: list[Expr], text: str) -> Expr:
        if not meant.least <= len(args) <= meant.most:
            if meant.least < meant.most:
                told = N_("{name}() takes at least {least} arguments, not {n}")
            else:
                told = N_("{name}() takes 1 argument, not {n}") if meant.least == 1 else N_(
                    "{name}() takes {least} arguments, not {n}"
                )
            raise NotUnderstood(say(told, name=text, least=meant.least, n=len(args)))
        more = () if meant.alpha is None else (Const(meant.alpha),)
        name = meant.op.removesuffix("′")
        if name == "softmax" and (meant.op != name or len(args[0].shape) != 1):
            raise NotUnderstood(say("softmax is of all the values of a layer: write the fraction out"))
        if meant.op != name:
            return derivative(name, (args[0], call(name, args[0], *more), *more))
        return call(meant.op, *args, *more)


def _of_arrays(text: str, args: list[Expr], settings: list[str]) -> Expr:
    """A function of arrays by its word, as a lesson's author writes it. Raises NotUnderstood."""
    named: Named = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name in named:
            raise NotUnderstood(say("{name} is given twice", name=name))
        numbers = re.findall(r"True|False|[^\s(),]+", value)
        values = (float(number == "True") if number in ("True", "False") else float(number) for number in numbers)
        named[name] = tuple(map(Const, values)), 0
    size, _ = named.pop("size", ((), 0))  # of a shape the numbers stand behind the arrays
    args += [number for number in size if number is not None]
    row = ARRAY_WORDS[text]
    try:
        found = apply_to_arrays(text, row, list(args), named, 0)
    except FormulaError as error:
        usage = said(alternatives(row.usage))
        raise NotUnderstood(say("{why}: write {usage}", why=said(error), usage=usage)) from None
    assert found is not None
    return found


def _is_comparison(x: Expr) -> bool:
    if not isinstance(x, Call):
        return False
    return x.op in ("wins_max", "wins_min", "hit") or (x.op == "mul" and all(map(_is_comparison, x.args)))


def _one_shape(formula: Expr) -> None:
    """In a lesson about layers nothing is broadcast but single numbers: a1 + W1 is a slip of the pen. ValueError."""
    for node in walk(formula):
        cells = node.args if isinstance(node, Call) and OPERATORS[node.op].elementwise else ()
        if len({arg.shape for arg in cells if arg.shape}) > 1:
            raise ValueError("shapes")


def read(text: str, words: Vocabulary) -> Typed:
    """A normalised text as a formula. Raises NotUnderstood."""
    if "…" in text or "..." in text:
        raise NotUnderstood(say("… leaves something out: write all of it, or use names"))
    parser = _Parser(tokens(text, words), words)
    try:
        formula = parser.whole()
        if not words.arrays:
            _one_shape(formula)
    except NotUnderstood:
        raise
    except RecursionError:
        raise NotUnderstood(say("that is nested too deep: give a number or a shorter expression")) from None
    except (ValueError, TypeError):
        raise NotUnderstood("the shapes in that do not fit; name single elements, as in a1[2]") from None
    return Typed(formula, parser.decimals, ", ".join(dict.fromkeys(parser.commas[:3])))


def functions(arrays: bool = False) -> dict[str, Function]:
    """The functions that have one meaning in every lesson, by their words; those of arrays where it is about arrays."""
    found = {name: Function(op, least, most) for name, (op, least, most) in FUNCTIONS.items()}
    found |= {"sign": Function("sign"), "sgn": Function("sign"), "softmax": Function("softmax")}
    if arrays:
        found["pick"] = Function("pick", 2, 99)
        for name in ARRAY_WORDS:
            found[name] = replace(found.get(name, Function(name)), arrays=True)
    return found
