"""`new FILE --from MODEL`: a lesson from a network of one's own. What its file does not say is asked, or an option."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutor.cli.delivering import lesson_written
from tutor.cli.errors import UsageError
from tutor.cli.streams import asker
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.evaluation import Evaluator
from tutor.engine.forward import initial_parameters
from tutor.engine.losses import LOSSES
from tutor.lessonfiles import from_model
from tutor.lessonfiles.array_files import ENDINGS, is_binary, read_stored
from tutor.lessonfiles.check import load
from tutor.lessonfiles.csv_table import CsvTable, read_table
from tutor.lessonfiles.from_model import Described
from tutor.lessonfiles.model_layers import DenseLayers, NoChain, Open, OtherOrder, find
from tutor.lessonfiles.positions import LessonError, Problem
from tutor.lessonfiles.synonyms import meant
from tutor.text.evaluation_words import held_out_words, summary
from tutor.text.language import N_, said, say
from tutor.text.output import escape, quote
from tutor.text.words import reason

if TYPE_CHECKING:
    from argparse import Namespace

    import numpy as np

Ask = Callable[[str], str | None]


def new_from(args: Namespace, path: Path) -> int:
    """Write the lesson, the file of weights and that of data beside it. Raises UsageError; then nothing is written."""
    if path.exists() or path.is_symlink():
        raise UsageError(say("'{file}' is there already; it is left as it is", file=path))
    for name in (args.data, args.held_out):  # before anything is asked
        if name and not isinstance(_number(name), int | float) and not os.path.isfile(name):
            raise UsageError(say("there is no file '{name}'", name=name[:200]))
    arrays = _arrays(args.from_)
    ask = asker() if sys.stdin.isatty() else None
    chain = _chain(arrays, args, ask)
    names = ", ".join(quote(layer.name or layer.weights) for layer in chain.layers)
    sizes = " → ".join(f"{size:,}" for size in chain.sizes)
    for line in (say("Layers: {names}; {sizes}.", names=names, sizes=sizes), *map(said, chain.said)):
        print(escape(line))
    activations = _activations(chain, args, ask)
    loss = _loss(activations[-1], args, ask)
    data, classes = _data(args, chain, ask)
    made: list[Path] = []
    try:
        model = _beside(path, args.from_, made)
        files = {key: name for key, name in data.items() if key in ("examples", "held_out") and isinstance(name, str)}
        data |= {key: _beside(path, name, made) for key, name in files.items()}
        described = Described(activations, loss, classes)
        with open(path, "x", encoding="utf-8") as file:
            made.append(path)
            file.write(from_model.lesson_text(path, model, chain, described, data))
        lesson = load(path)
        if "examples" in data and lesson.example_count < from_model.BATCH:
            path.write_text(from_model.lesson_text(path, model, chain, described, data, "all"), encoding="utf-8")
            lesson = load(path)
    except BaseException as error:
        for file_made in made:
            file_made.unlink(missing_ok=True)
        if isinstance(error, LessonError):
            raise UsageError(_why(error)) from None
        if isinstance(error, OSError | ValueError):
            told = N_("cannot write '{file}': {why}")
            raise UsageError(say(told, file=str(path)[:200], why=reason(error))) from None
        raise
    for copied in made[:-1]:
        print(escape(say("Copied beside the lesson: {file}.", file=copied.name)))
    if "examples" in data:
        evaluator, parameters = Evaluator(lesson), initial_parameters(lesson)
        print(escape(say("With these weights: {summary}.", summary=summary(evaluator.evaluate(parameters)))))
        if evaluator.held_out:
            print(escape(held_out_words(lesson, evaluator.held_out.evaluate(parameters))))
            print(
                say("Whether the network has seen these rows before, only you know; the tutor does not train on them.")
            )
    print(lesson_written(path))
    return 0


def _arrays(name: str) -> dict[str, np.ndarray]:
    if not is_binary(name):
        told = N_("--from takes a file of arrays ({endings}), not '{name}'")
        raise UsageError(say(told, endings=", ".join(ENDINGS), name=name[:200]))
    found = read_stored(Path(name))
    if isinstance(found, Problem):
        problem = f"{found.message} ({found.advice})" if found.advice else found.message
        raise UsageError(say("'{file}': {problem}", file=name[:200], problem=problem))
    return found


def _chain(arrays: dict[str, np.ndarray], args: Namespace, ask: Ask | None) -> DenseLayers:
    order = [name.strip() for name in args.layers.split(",")] if args.layers else []
    try:
        return find(arrays, args.in_by_out, order=order)
    except Open as error:
        if ask is None:
            told = N_("{what}; say it with --out-by-in (PyTorch) or --in-by-out (Keras, x·W)")
            raise UsageError(say(told, what=said(error))) from None
        print(escape(f"{said(error)[:1].upper()}{said(error)[1:]}."))
        turned = _asked(ask, say("out or in first? PyTorch has out × in, Keras in × out"), ("out", "in"), "") == "in"
        return find(arrays, turned, order=order)
    except NoChain as error:
        told = N_("'{file}': {problem}")
        if isinstance(error, OtherOrder):
            told = N_("'{file}': {problem} (say it with --layers)")
        raise UsageError(say(told, file=args.from_[:200], problem=said(error))) from None


def _asked(ask: Ask, question: str, words: Sequence[str], usual: str) -> str:
    """One of the words, as a person types it; an empty line is the usual one, if there is one."""
    while True:
        answer = ask(f"{question}{f' [{usual}]' if usual else ''}: ")
        if answer is None:
            raise UsageError(say("it was not answered: nothing is written"))
        word = answer.strip() or usual
        if word in words or (near := meant(word, words)) is None:
            if word in words:
                return word
            print(say("One of: {words}.", words=", ".join(words)))
        else:
            return near


def _activations(chain: DenseLayers, args: Namespace, ask: Ask | None) -> tuple[str, ...]:
    many, known = len(chain.layers), (*ACTIVATIONS, "softmax")
    usual = from_model.usual_activations(chain)
    if args.activation is not None:
        given = [word.strip() for word in args.activation.split(",")]
        if wrong := [word for word in given if word not in known]:
            near = meant(wrong[0], known)
            told = N_("unknown activation {name}; there are: {known}")
            if near:
                told = N_("unknown activation {name}: did you mean '{near}'?")
            raise UsageError(say(told, name=quote(wrong[0][:60]), near=near, known=", ".join(known)))
        found = from_model.spread(given, many)
        if found is None:
            needed = N_(
                "--activation has {given}, the network {n} layers: give one a layer, or two: "
                "that of the hidden layers and that of the output"
            )
            raise UsageError(say(needed, given=len(given), n=many))
        return found
    if ask is None:
        told = N_("say what follows each layer: --activation {usual}, for example")
        raise UsageError(say(told, usual=",".join(usual)))
    asked = []
    for at, layer in enumerate(chain.layers):
        size = f"{chain.sizes[at]:,} → {chain.sizes[at + 1]:,}"
        words = known if at == many - 1 else tuple(ACTIVATIONS)
        question = say("Activation of {layer}, {size}", layer=escape(layer.name or layer.weights), size=size)
        asked.append(_asked(ask, question, words, usual[at]))
    return tuple(asked)


def _loss(output: str, args: Namespace, ask: Ask | None) -> str:
    fitting = from_model.losses_for(output)
    if args.loss is not None:
        if args.loss not in LOSSES:
            near = meant(args.loss, LOSSES)
            told = N_("unknown loss {name}; there are: {known}")
            if near:
                told = N_("unknown loss {name}: did you mean '{near}'?")
            raise UsageError(say(told, name=quote(args.loss[:60]), near=near, known=", ".join(LOSSES)))
        if args.loss not in fitting:
            needed = N_("{loss} does not follow {output}; these do: {fitting}")
            raise UsageError(say(needed, loss=args.loss, output=output, fitting=", ".join(fitting)))
        return str(args.loss)
    if len(fitting) == 1:
        print(say("Loss: {loss}, the one that follows {output}.", loss=fitting[0], output=output))
        return fitting[0]
    if ask is None:
        needed = N_("say what is minimised: --loss {usual}, for example; there are: {fitting}")
        raise UsageError(say(needed, usual=fitting[0], fitting=", ".join(fitting)))
    return _asked(ask, say("Loss ({fitting})", fitting=", ".join(fitting)), fitting, fitting[0])


def _data(args: Namespace, chain: DenseLayers, ask: Ask | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The keys of the lesson that say where its examples are, and the outputs' names where they are classes."""
    if args.data is None:
        for option in ("class_", "classes", "scale", "held_out"):
            if getattr(args, option) is not None:
                raise UsageError(say("{option} goes with --data", option=f"--{option.strip('_').replace('_', '-')}"))
        return {}, ()
    data: dict[str, Any] = {"examples": args.data}
    classes = tuple(word.strip() for word in args.classes.split(",")) if args.classes else ()
    if is_binary(args.data):
        data |= {} if args.class_ is None else {"class": args.class_}
    else:
        table = read_table(Path(args.data))
        if not isinstance(table, CsvTable):
            told = N_("'{file}', line {line}: {message}")
            raise UsageError(say(told, file=args.data[:200], line=table.line, message=table.message))
        column, classes = _of_table(args, table, chain, classes, ask)
        data |= {} if column is None else {"class": column}
    for key in ("scale", "held_out"):
        given = getattr(args, key)
        if given is not None:
            data[key] = _number(given)
    if isinstance(data.get("scale"), str):
        raise UsageError(say("--scale takes a number such as 255, not '{given}'", given=args.scale[:60]))
    return data, classes


def _of_table(
    args: Namespace, table: CsvTable, chain: DenseLayers, classes: tuple[str, ...], ask: Ask | None
) -> tuple[str | None, tuple[str, ...]]:
    """The name of the column with the classes, and the classes in the order of the outputs; (None, ()) without one."""
    inputs, outputs = chain.sizes[0], chain.sizes[-1]
    if args.class_ is not None:
        if args.class_ not in table.header:
            told = N_("'{file}' has no column {name}")
            raise UsageError(say(told, file=args.data[:200], name=quote(args.class_[:60])))
        column: int | None = table.header.index(args.class_)
    else:
        try:
            column = from_model.class_column(table, inputs, outputs)
        except ValueError as error:
            raise UsageError(say("'{file}': {problem}", file=args.data[:200], problem=said(error))) from None
    if column is None:
        return None, classes
    name, found = table.header[column], from_model.class_values(table, column)
    numbers = all(word.lstrip("-").isdigit() for word in found)
    shown = ", ".join(found[:12]) + " …" * (len(found) > 12)
    print(escape(say("The class is the column {name}: {classes}.", name=quote(name), classes=shown)))
    if not classes and not numbers:
        order = ",".join(found)
        if ask is None:
            needed = N_("say which output is which class, the first first: --classes {order}, for example")
            raise UsageError(say(needed, order=order))
        answer = ask(escape(say("The classes in the order of the outputs [{order}]: ", order=order)))
        if answer is None:
            raise UsageError(say("it was not answered: nothing is written"))
        classes = tuple(word.strip() for word in (answer.strip() or order).split(","))
    classes = classes or tuple(found)
    if outputs == 1 and len(classes) == 2:
        return name, classes[1:]  # the output is called after the class that it says yes to
    if len(classes) != outputs:
        needed = N_("there are {classes} classes and {outputs} outputs: an output has a class")
        raise UsageError(say(needed, classes=len(classes), outputs=f"{outputs:,}"))
    return name, classes


def _number(text: str) -> float | str:
    """A number, as a number; the name of a file as it is."""
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def _beside(lesson: Path, name: str, made: list[Path]) -> str:
    """What the lesson calls a file: its name from the lesson's folder. One that is elsewhere is copied there."""
    file, folder = Path(os.path.realpath(name)), os.path.realpath(lesson.parent)
    if not file.is_file():
        raise UsageError(say("there is no file '{name}'", name=name[:200]))
    if os.path.commonpath([folder, str(file)]) == folder:
        return Path(os.path.relpath(file, folder)).as_posix()
    target = lesson.parent / file.name
    if target.exists():
        if target.read_bytes() == file.read_bytes():
            return file.name
        told = N_("'{file}' is there already, and is another file than '{name}'; it is left as it is")
        raise UsageError(say(told, file=target, name=name[:200]))
    with open(file, "rb") as source, open(target, "xb") as copy:
        made.append(target)
        shutil.copyfileobj(source, copy)
    return file.name


def _why(error: LessonError) -> str:
    first = error.problems[0]
    problem = f"{first.message}: {first.advice}" if first.advice else first.message
    if not first.path.endswith(".toml"):
        problem = say("'{file}': {problem}", file=Path(first.path).name, problem=problem)
    return say("{problem}; nothing is written", problem=problem)

