"""How good a network is, in words: predictions, confusion, losses, and how a training ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tutor.engine.divergence import divergence
from tutor.engine.evaluation import Confusion, Evaluation, Evaluator
from tutor.engine.expressions import Symbol
from tutor.engine.floats import quietly
from tutor.engine.lesson import Lesson
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import Run, Stopped
from tutor.text.cells import cut, pad, width
from tutor.text.divergence_words import divergence_words
from tutor.text.language import N_, said, say
from tutor.text.layout import number
from tutor.text.words import plural

MOST_CLASSES = 12  # that a confusion matrix is printed for
MOST_TOLD = 5  # wrong rows that are told of one by one
MOST_ROWS = 20  # wrong rows that are listed


def percent(share: float) -> str:
    """0.8666 -> '86.7 %'; 100 % and 0 % are said of nothing less."""
    shown = f"{100 * share:.1f}".removesuffix(".0")
    if shown == "100" and share < 1:
        shown = "99.9"
    if shown == "0" and share > 0:
        shown = "0.1"
    return f"{shown} %"


def summary(found: Evaluation) -> str:
    """One line: '43 of 50 right, 86 %, mean loss 0.3142'."""
    return say("{right}, mean loss {loss}", right=accuracy_text(found), loss=number(found.loss))


def _overall(found: Evaluation) -> float:
    """The RMSE over all rows and outputs."""
    with quietly():
        return float(np.sqrt(np.mean(found.rmse**2)))


def without_evaluation(lesson: Lesson) -> str:
    """Why nothing is told to be right or wrong, where the equations are an author's."""
    if lesson.example_count:
        return say(
            "The equations name no prediction that is right or wrong: training lowers the number that they come to."
        )
    return say("A circuit has no examples to be right or wrong about: training lowers its output.")


def value_lines(name: str, value: np.ndarray | float, columns: int) -> list[str]:
    """A value by its name, a row of a matrix in each line; what is wider than the columns is cut."""
    array = np.asarray(value, dtype=float)
    if not array.shape:
        return [f"{name} = {number(float(array))}"]
    rows = array.reshape(-1, array.shape[-1])
    said = ["  ".join(number(float(cell)) for cell in row[:columns]) for row in rows]
    signs = [f"{name} = ", *[" " * (len(name) + 3)] * (len(said) - 1)]
    return [cut(sign + row, columns) for sign, row in zip(signs, said, strict=True)]


def ending(
    run: Run, stopped: Stopped, tolerance: float, name: Callable[[Symbol], str] = lambda symbol: symbol.id
) -> str:
    """How a training ended, by the word that `Run.train` answers; `name` says what symbols are called."""
    found = divergence(run)
    if found:
        return say("Training diverged. {how}", how=divergence_words(found, name))
    per = iterations_per_epoch(run.lesson)
    passed = plural(run.trained, "iteration") + (f" ({plural(run.trained // per, 'epoch')})" if per > 1 else "")
    if stopped == "converged":
        return say(
            "Converged after {passed}: over the last epoch neither {what} nor any parameter changed by as much as "
            "{tolerance}.",
            passed=passed,
            what=say("the mean loss") if run.model.loss_name else say("the output"),
            tolerance=number(tolerance),
        )
    if stopped == "cancelled":
        return say("Stopped after {passed}.", passed=passed)
    return say("Trained for {passed}.", passed=passed)


def loss_words(run: Run, points: int = 10) -> list[str]:
    """What there is to say of a training so far: its losses from first to last, some of them, and each epoch's mean."""
    losses, count = run.losses, run.trained
    if not count:
        return [say("Nothing is trained yet: no losses.")]
    per_epoch = iterations_per_epoch(run.lesson)
    of_loss = bool(run.model.loss_name)
    trained = plural(count, "iteration")
    lines = [say("{iterations} trained.", iterations=trained)]
    if per_epoch > 1:
        epochs, each = f"{count / per_epoch:,.4g}", f"{per_epoch:,}"
        lines = [
            say("{iterations} trained, {epochs} epochs of {n} iterations.", iterations=trained, epochs=epochs, n=each)
        ]
    finite = np.flatnonzero(np.isfinite(losses))
    if len(finite):
        least = int(finite[np.argmin(losses[finite])])
        values = {"first": number(losses[0]), "last": number(losses[-1]), "least": number(losses[least])}
        went = N_("The loss went from {first} to {last}; the least was {least}, in iteration {n}.")
        if not of_loss:
            went = N_("The output went from {first} to {last}; the least was {least}, in iteration {n}.")
        lines.append(say(went, n=f"{least + 1:,}", **values))
    if count > 2:
        some = _spread(count, points)
        by = ", ".join(f"{i + 1:,}: {number(losses[i])}" for i in some)
        lines.append(
            say(N_("Loss by iteration: {losses}.") if of_loss else N_("Output by iteration: {losses}."), losses=by)
        )
    means = run.epoch_losses
    if per_epoch > 1 and len(means):
        some = _spread(len(means), points)
        by = ", ".join(f"{i + 1:,}: {number(means[i])}" for i in some)
        mean = N_("Mean loss by epoch: {losses}.") if of_loss else N_("Mean output by epoch: {losses}.")
        lines.append(say(mean, losses=by))
    return lines


def _spread(count: int, points: int) -> list[int]:
    """At most so many places from 0 to count − 1, the first and the last among them."""
    return [int(at) for at in np.unique(np.linspace(0, count - 1, points).astype(int))]


def accuracy_text(found: Evaluation) -> str:
    """'43 of 50 right, 86 %'; for numbers 'RMSE 0.21'."""
    if found.accuracy is None:
        return f"RMSE {number(_overall(found))}"
    answers = N_("{n} of {count} answers right, {percent}")
    message = answers if len(found.tables) > 1 else N_("{n} of {count} right, {percent}")
    return say(message, n=f"{found.correct:,}", count=f"{found.total:,}", percent=percent(found.accuracy))


def short_accuracy(found: Evaluation) -> str:
    """'86 %'; for numbers 'RMSE 0.21'."""
    return accuracy_text(found) if found.accuracy is None else percent(found.accuracy)


def class_lines(table: Confusion) -> list[str]:
    """What became of each class: 'class 2: 15 of 17 right, 88.2 %; 2 taken for class 1'."""
    lines = []
    for i, (name, share) in enumerate(zip(table.classes, table.per_class, strict=True)):
        if share is None:
            said = say("{name}: no row is of this class, so nothing can be right", name=class_name(name))
        else:
            said = say(
                "{name}: {n} of {count} right, {percent}",
                name=class_name(name), n=f"{table.counts[i, i]:,}", count=f"{table.members[i]:,}",
                percent=percent(share),
            )  # fmt: skip
        wrong = [(int(count), j) for j, count in enumerate(table.counts[i]) if count and j != i]
        wrong.sort(key=lambda pair: (-pair[0], pair[1]))
        parts = [
            say("{n} taken for {name}", n=f"{count:,}", name=class_name(table.classes[j])) for count, j in wrong[:5]
        ]
        if wrong[5:]:
            parts.append(say("{n} for others", n=f"{sum(count for count, _ in wrong[5:]):,}"))
        lost = int(table.members[i] - table.counts[i].sum())
        parts += [say("{n} undefined", n=f"{lost:,}")] if lost else []
        lines.append("; ".join([said, ", ".join(parts)] if parts else [said]))
    return lines


def class_name(name: str) -> str:
    """'class 2' for what has only a number; the name for what has one."""
    return say("class {n}", n=name) if name.isdigit() else said(name)


def heads(classes: Sequence[str]) -> list[str]:
    """The names of classes as they stand over the columns of a table."""
    return [said(name) for name in classes]


def matrix_lines(table: Confusion, most: int = MOST_CLASSES) -> list[str]:
    """The confusion matrix in cells: a row a true class, a column a predicted one. Nothing for more than `most`."""
    if len(table.classes) > most:
        return []
    names = [cut(name, 10) for name in heads(table.classes)]
    rows = [
        (say("true"), names),
        *((name, [f"{n:,}" for n in row]) for name, row in zip(names, table.counts, strict=True)),
    ]
    left = max(width(name) for name, _ in rows)
    wide = [max(width(cells[j]) for _, cells in rows) for j in range(len(names))]
    lines = [
        f"{pad(name, left)} │ " + "  ".join(" " * (w - width(cell)) + cell for cell, w in zip(cells, wide, strict=True))
        for name, cells in rows
    ]
    return [lines[0] + say("  ← predicted"), *lines[1:]]


def wrong_rows(found: Evaluation) -> str:
    """'Wrong rows: 3, 7 and 12 more', counted from 1."""
    listed = ", ".join(f"{row + 1:,}" for row in found.wrong[:MOST_ROWS])
    more = len(found.wrong) - MOST_ROWS
    if more > 0:
        return say("Wrong rows: {rows} and {n} more", rows=listed, n=f"{more:,}")
    return say("Wrong rows: {rows}", rows=listed)


def wrong_words(evaluator: Evaluator, found: Evaluation, most: int) -> list[str]:
    """At most so many wrong rows: what each is, what it was taken for, and by which outputs."""
    lines = []
    true, predicted = evaluator.decide(evaluator.targets), evaluator.decide(found.outputs)
    for row in found.wrong[: max(most, 0)]:
        parts = []
        for k in np.flatnonzero(true[row] != predicted[row]):
            is_, taken = int(true[row, k]), int(predicted[row, k])
            name = say("output {name}: ", name=evaluator.names[k]) if len(true[row]) > 1 else ""
            for_ = class_name(evaluator.classes[taken]) if taken >= 0 else say("nothing")
            if found.kind == "classes":
                mine, true_one = number(found.outputs[row, taken]), number(found.outputs[row, is_])
                by = say("{n} against {other}", n=mine, other=true_one)
            else:
                by = say("output {name}", name=number(found.outputs[row, k]))
            said = name + say("{true} taken for {name}", true=class_name(evaluator.classes[is_]), name=for_)
            parts.append(f"{said}, {by}" if taken >= 0 else said)
        lines.append(say("row {n}: {said}", n=f"{row + 1:,}", said="; ".join(parts)))
    return lines


def held_out_words(lesson: Lesson, found: Evaluation) -> str:
    """'Held out, 40 rows of 200 (held_out = 0.2), drawn with the seed 0: 31 of 40 right, 77.5 %, mean loss 0.91.'"""
    assert lesson.held_out is not None
    return say("Held out, {rows}: {summary}.", rows=said(lesson.held_out.said), summary=summary(found))


def words(evaluator: Evaluator, found: Evaluation, held_out: Evaluation | None = None) -> list[str]:
    """All there is to say of an evaluation, a sentence or a line of a table each; of rows held out a sentence."""
    rows = len(found.losses)
    if held_out is not None:
        which = N_("All {n} rows that it is trained on: {summary}.")
        which = N_("Both rows that it is trained on: {summary}.") if rows == 2 else which
        which = N_("The one row that it is trained on: {summary}.") if rows == 1 else which
    else:
        which = N_("Both rows: {summary}.") if rows == 2 else N_("All {n} rows: {summary}.")
        which = N_("The one row: {summary}.") if rows == 1 else which
    lines = [say(which, n=f"{rows:,}", summary=summary(found))]
    if held_out is not None:
        lines.append(held_out_words(evaluator.lesson, held_out))
    lines.append(said(evaluator.rule))
    for table in found.tables:
        if table.title:
            share = percent(table.correct / table.total)
            n, count = f"{table.correct:,}", f"{table.total:,}"
            right = say("{n} of {count} right, {percent}", n=n, count=count, percent=share)
            lines.append(say("Output {name}: {said}.", name=table.title, said=right))
        lines += ["  " + said for said in class_lines(table)]
        if matrix := matrix_lines(table):
            lines += ["  " + said for said in matrix]
    if found.kind == "numbers":
        if len(found.rmse) > 1:
            each = [f"{name} {number(value)}" for name, value in zip(evaluator.names, found.rmse, strict=True)]
            some = ", ".join(each[:MOST_ROWS]) + " …" * (len(each) > MOST_ROWS)
            lines.append(say("RMSE of each output: {values}.", values=some))
        worst = int(np.argmax(np.where(np.isnan(found.losses), np.inf, found.losses)))
        loss = number(found.losses[worst])
        lines.append(say("The largest loss is row {n}'s, {loss}.", n=f"{worst + 1:,}", loss=loss))
    elif len(found.wrong):
        lines.append(f"{wrong_rows(found)}.")
        lines += ["  " + said for said in wrong_words(evaluator, found, MOST_TOLD)]
    else:
        lines.append(say("No row is wrong."))
    return lines
