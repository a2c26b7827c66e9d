"""Lesson and table files as chance and malice write them: no exception, and none that takes long.

    python benchmarks/fuzz_lessons.py [--seconds 60] [--seed 1] [--keep FOLDER] [--slow]

Mutates the bundled lessons and their tables (bytes, lines, tokens, numbers, nesting), reads, checks and traces what is
still a lesson, and reports what raised and what was slow. `--slow` tries instead files up to 4 MiB made to be slow.
Exit code 1 if anything was found; `--keep` writes those files there.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tutor.cli.export import as_json, as_text
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import examine, faults_in_a_word
from tutor.lessonfiles.positions import MAX_BYTES

SLOW = 2.0  # seconds
TOKENS = (
    'nan inf -inf 1e999 0e99999999 1e-2000060 1e308 -0.0 0x1F 1_000 9007199254740993 true false [] {} [[]] "" \'\' "x" '
    '0.1 -1 2 10000000 1979-05-27 [1,[2]] "\\u0000" "\\n" "sin(x)" "a1[1]" "L" "dL/dW1[9,9]" "d.csv" "../d.csv" "{a9}" '
    '"$\\\\frac{1}{2}$" "softmax" "relu" "cross_entropy" "all" "he" = [ ] { } , . # " \' """ \'\'\' $ ` − “ ½'
).split()
JUNK = ["\x00", "\x1b[2J", "\u202e", "\u200b", "\ufeff", "\r", " " * 5000, "\t" * 5000, "[" * 60, "9" * 5000, "a." * 40,
        "x" * 300, "ß" * 50, "\\" * 30, "$" * 200, "`" * 200]  # fmt: skip
TABLE = "rooms,size,kind,price\n2,0.5,hut,1.25\n3,1.5,flat,2.5\n1,0.25,hut,0.5\n"
LESSON = """format = 1
title = "T"
examples = "d.csv"
[network]
inputs = ["rooms", "size"]
loss = "squared_error"
[[network.layers]]
units = 2
activation = "tanh"
[[network.layers]]
units = ["price"]
[training]
batch = 2
"""


def seeds() -> list[str]:
    texts = [entry.path.read_text(encoding="utf-8") for entry in catalogue.entries()]
    return [text for text in texts if len(text) < 20_000 and "examples = " not in text]


def mutated(text: str, rng: random.Random) -> bytes:
    """The text after one to four accidents."""
    for _ in range(rng.randint(1, 4)):
        kind = rng.randrange(6)
        if kind == 0:
            parts = re.split(r"([\[\],\n]|(?<== )[^\n]+)", text)
            parts[rng.randrange(len(parts))] = rng.choice([*TOKENS, rng.choice(parts)])
            text = "".join(parts)
        elif kind == 1:
            lines = text.split("\n")
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], rng.choice([lines[i], lines[j], ""])
            text = "\n".join(lines)
        elif kind == 2:
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice([*JUNK, *TOKENS]) + text[at + rng.choice([0, 0, 1, 5]) :]
        elif kind == 3 and (numbers := list(re.finditer(r"[0-9]+(?:\.[0-9]+)?", text))):
            number = rng.choice(numbers)
            text = text[: number.start()] + rng.choice(TOKENS) + text[number.end() :]
        elif kind == 4:
            words = list(re.finditer(r"[A-Za-z_]{3,}", text)) or list(re.finditer("$", text))
            word, other = rng.choice(words), rng.choice(words)
            text = text[: word.start()] + other[0] + text[word.end() :]
        else:
            data = bytearray(text.encode("utf-8", "surrogatepass"))
            for _ in range(rng.randint(1, 3)):
                data[rng.randrange(len(data) + 1) :][:1] = b""
                at = rng.randrange(len(data) + 1)
                data[at : at + rng.randint(0, 2)] = rng.randbytes(rng.randint(0, 3))
            return bytes(data)
    return text.encode("utf-8", "surrogatepass")


def slow_files() -> Iterator[tuple[str, str]]:
    """Files made to be slow, by name: each as long as a file may be."""
    room = MAX_BYTES - 2_000
    head = 'format = 1\ntitle = "T"\n'
    circuit = '\n[circuit]\ndefine = ["f = x * x"]\noutput = "f"\ninputs = {x = 2}\n'
    for name, unit in (
        ("blanks", " "), ("tabs", "\t"), ("digits", "9"), ("digits and blanks", "9" * 3999 + " "), ("brackets", "["),
        ("quotes", '"'), ("apostrophes", "'"), ("triple", '"""'), ("dotted", "a."), ("commas", ","), ("hashes", "#"),
        ("keys", "k = 1\n"), ("tables", "[t]\n"), ("notes", "[[notes]]\n"), ("dots in braces", "{a."), ("equals", "="),
        ("layers", "[[network.layers]]\nunits = 1\n"), ("examples", "[[examples]]\ninputs = [1]\n"),
        ("questions", '[[questions]]\nstep = "f"\n'), ("expect", '[[expect]]\nstep = "f"\nvalue = 4\nsource = "s"\n'),
        ("carriage returns", "\r\n"), ("joiners", "\u200d"), ("backslashes", "\\"),
    ):  # fmt: skip
        yield name, head + unit * (room // len(unit.encode()))
        yield f"{name}, then a circuit", head + unit * (room // len(unit.encode())) + circuit
    for name, unit in (
        ("dollars", "$"), ("ticks", "`"), ("ticks and blanks", "`` ` "), ("roots", r"$\sqrt{"), ("begin", r"\begin "),
        ("formulas", "$a$ "), ("long formula", r"\frac{a}{b}"), ("ids", "{a9} "), ("words", "word "), ("lines", "a\n"),
        ("escapes", "\\theta"), ("scripts", "$x^a_b$"), ("text", r"\text{a}"), ("quotes", "''x"),
    ):  # fmt: skip
        text = unit * (room // len(unit))
        yield f"intro of {name}", head + f"intro = '''\n{text}'''" + circuit
        yield f"note of {name}", head + circuit + f"[[notes]]\nstep = 'f'\ntext = '''\n{text}'''\n"
        yield f"title of {name}", f"format = 1\ntitle = '''{text}'''" + circuit
        quoted = text.replace("\\", "\\\\").replace("\n", " ")
        yield (
            f"choices of {name}",
            head + circuit + f'[[questions]]\nask = "a"\nanswer = 1\nchoices = ["a", "{quoted}"]\n',
        )
    ids = [f'"id{i}"' for i in range(room // 12)]
    yield "requires", head + f"requires = [{', '.join(ids)}]" + circuit
    wrong = "{answer = 1.5, says = 's'}, "
    yield "wrong answers", head + circuit + f"[[questions]]\nstep = 'df/dx'\nwrong = [{wrong * (room // len(wrong))}]"
    for name, line in (("lines", '"f{} = x * x", '), ("long line", "")):
        lines = "".join(line.format(i) for i in range(room // 22)) if line else f'"f = x{" + x" * (room // 4)}", '
        yield f"define of {name}", head + f'[circuit]\noutput = "f"\ninputs = {{x = 2}}\ndefine = [{lines}"f = x"]\n'
    inputs = "".join(f"x{i} = 1\n" for i in range(room // 12))
    yield "inputs", head + f'[circuit]\noutput = "f"\ndefine = ["f = x0"]\n[circuit.inputs]\n{inputs}'
    names = ", ".join(f'"n{i}"' for i in range(room // 12))
    yield "names", head + f'[network]\nloss = "squared_error"\ninputs = [{names}]\n[[network.layers]]\nunits = 1\n'
    rows = ", ".join(["[1]"] * (room // 8))
    yield (
        "rows",
        head + f'[network]\nloss = "squared_error"\ninputs = 1\n[[network.layers]]\nunits = 1\nweights = [{rows}]',
    )
    yield "row", head + (
        '[network]\nloss = "squared_error"\ninputs = 1\n[[network.layers]]\nunits = 1\nweights = [['
        + "1," * (room // 2 - 200) + "]]"
    )  # fmt: skip


def slow_tables() -> Iterator[tuple[str, str]]:
    room, three = MAX_BYTES - 100, "rooms,size,price\n"
    for name, head, row in (
        ("rows", three, "1,2,3\n"), ("text", three, "a,b,c\n"), ("short", three, "1\n"), ("commas", three, ","),
        ("quotes", three, '"'), ("blanks", three, " "), ("open quote", three + '"', "x\n"), ("returns", three, "\r"),
        ("header", three[:-1], ",c"), ("german", "rooms;size;price\n", "1,5;2,5;3\n"), ("same names", "a", ",a"),
        ("groups", three, '"1,000,000",1,1\n'), ("quoted header", '"', ","),
    ):  # fmt: skip
        yield name, head + row * ((room - len(head)) // len(row))


def tried(folder: Path, lesson: bytes, table: bytes) -> tuple[str, float]:
    """The exception that a file raised (or an empty text), and the CPU seconds that it took."""
    (folder / "t.toml").write_bytes(lesson)
    (folder / "d.csv").write_bytes(table)
    begin = time.process_time()
    try:
        found, problems = examine(folder / "t.toml")
        catalogue.entries(folder)
        faults_in_a_word(folder / "t.toml")
        for problem in problems[:50]:
            problem.render()
        if found is not None and not any(problem.severity == "error" for problem in problems):
            spent = time.process_time() - begin
            if len(found.inputs) < 1_000:
                here = trace(found)
                "".join(as_text(here, "scalar", "dz"))
                "".join(as_json(here, "matrix", "dz"))
            begin = time.process_time() - spent  # a trace may take longer
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}"[:160], 0.0
    return "", time.process_time() - begin


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--slow", action="store_true")
    args = parser.parse_args()
    rng, texts, found = random.Random(args.seed), seeds(), Counter[str]()
    number, end, slowest = 0, time.monotonic() + args.seconds, 0.0
    with tempfile.TemporaryDirectory() as name:

        def attempt(what: str, lesson: bytes, table: bytes) -> None:
            nonlocal number, slowest
            number += 1
            error, seconds = tried(Path(name), lesson, table)
            slowest = max(slowest, seconds)
            if error or seconds > SLOW:
                kind = error or f"slow: {seconds:.1f} s"
                found[f"{what}: {kind}" if what else kind] += 1
                print(f"{what or number}: {kind}", flush=True)
                if args.keep:
                    args.keep.mkdir(exist_ok=True)
                    (args.keep / f"{number}.toml").write_bytes(lesson)
                    (args.keep / f"{number}.csv").write_bytes(table)

        if args.slow:
            for what, text in slow_files():
                attempt(what, text.encode()[:MAX_BYTES], TABLE.encode())
            for what, text in slow_tables():
                attempt(f"table of {what}", LESSON.encode(), text.encode())
        while not args.slow and time.monotonic() < end:
            if rng.random() < 0.3:
                attempt("", LESSON.encode(), mutated(TABLE, rng))
            else:
                attempt("", mutated(rng.choice([*texts, LESSON]), rng), TABLE.encode())
    print(f"{number:,} files, {sum(found.values())} of them with something to tell; slowest {slowest:.2f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
