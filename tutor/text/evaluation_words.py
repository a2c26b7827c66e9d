"""How good a network is, in words: predictions, confusion, losses, and how a training ended."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tutor.engine.divergence import divergence
from tutor.engine.evaluation import Confusion, Evaluation, Evaluator
from tutor.engine.expressions import Symbol
from tutor.engine.lesson import Lesson
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import Run, Stopped
from tutor.text.cells import cut, pad, width
from tutor.text.divergence_words import divergence_words
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
    return f"{accuracy_text(found)}, mean loss {number(found.loss)}"


def _overall(found: Evaluation) -> float:
    """The RMSE over all rows and outputs."""
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(found.rmse**2)))


def without_evaluation(lesson: Lesson) -> str:
    """Why nothing is told to be right or wrong, where the equations are an author's."""
    if lesson.example_count:
        return "The equations name no prediction that is right or wrong: training lowers the number that they come to."
    return "A circuit has no examples to be right or wrong about: training lowers its output."


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
        return f"Training diverged. {divergence_words(found, name)}"
    per = iterations_per_epoch(run.lesson)
    passed = plural(run.trained, "iteration") + (f" ({plural(run.trained // per, 'epoch')})" if per > 1 else "")
    if stopped == "converged":
        what = "the mean loss" if run.model.loss_name else "the output"
        change = f"neither {what} nor any parameter changed by as much as {number(tolerance)}"
        return f"Converged after {passed}: over the last epoch {change}."
    return f"Stopped after {passed}." if stopped == "cancelled" else f"Trained for {passed}."


def loss_words(run: Run, points: int = 10) -> list[str]:
    """What there is to say of a training so far: its losses from first to last, some of them, and each epoch's mean."""
    losses, count = run.losses, run.trained
    if not count:
        return ["Nothing is trained yet: no losses."]
    per_epoch = iterations_per_epoch(run.lesson)
    name = "loss" if run.model.loss_name else "output"
    epochs = f", {count / per_epoch:,.4g} epochs of {per_epoch:,} iterations" if per_epoch > 1 else ""
    lines = [f"{plural(count, 'iteration')} trained{epochs}."]
    finite = np.flatnonzero(np.isfinite(losses))
    if len(finite):
        least = int(finite[np.argmin(losses[finite])])
        lines.append(
            f"The {name} went from {number(losses[0])} to {number(losses[-1])}; "
            f"the least was {number(losses[least])}, in iteration {least + 1:,}."
        )
    if count > 2:
        some = _spread(count, points)
        lines.append(f"{name.capitalize()} by iteration: {', '.join(f'{i + 1:,}: {number(losses[i])}' for i in some)}.")
    means = run.epoch_losses
    if per_epoch > 1 and len(means):
        some = _spread(len(means), points)
        lines.append(f"Mean {name} by epoch: {', '.join(f'{i + 1:,}: {number(means[i])}' for i in some)}.")
    return lines


def _spread(count: int, points: int) -> list[int]:
    """At most so many places from 0 to count − 1, the first and the last among them."""
    return [int(at) for at in np.unique(np.linspace(0, count - 1, points).astype(int))]


def accuracy_text(found: Evaluation) -> str:
    """'43 of 50 right, 86 %'; for numbers 'RMSE 0.21'."""
    if found.accuracy is None:
        return f"RMSE {number(_overall(found))}"
    answers = " answers" if len(found.tables) > 1 else ""
    return f"{found.correct:,} of {found.total:,}{answers} right, {percent(found.accuracy)}"


def short_accuracy(found: Evaluation) -> str:
    """'86 %'; for numbers 'RMSE 0.21'."""
    return accuracy_text(found) if found.accuracy is None else percent(found.accuracy)


def class_lines(table: Confusion) -> list[str]:
    """What became of each class: 'class 2: 15 of 17 right, 88.2 %; 2 taken for class 1'."""
    lines = []
    for i, (name, share) in enumerate(zip(table.classes, table.per_class, strict=True)):
        if share is None:
            said = f"{class_name(name)}: no row is of this class, so nothing can be right"
        else:
            said = f"{class_name(name)}: {table.counts[i, i]:,} of {table.members[i]:,} right, {percent(share)}"
        wrong = [(int(count), j) for j, count in enumerate(table.counts[i]) if count and j != i]
        wrong.sort(key=lambda pair: (-pair[0], pair[1]))
        parts = [f"{count:,} taken for {class_name(table.classes[j])}" for count, j in wrong[:5]]
        if wrong[5:]:
            parts.append(f"{sum(count for count, _ in wrong[5:]):,} for others")
        lost = int(table.members[i] - table.counts[i].sum())
        parts += [f"{lost:,} undefined"] if lost else []
        lines.append("; ".join([said, ", ".join(parts)] if parts else [said]))
    return lines


def class_name(name: str) -> str:
    """'class 2' for what has only a number; the name for what has one."""
    return f"class {name}" if name.isdigit() else name


def matrix_lines(table: Confusion, most: int = MOST_CLASSES) -> list[str]:
    """The confusion matrix in cells: a row a true class, a column a predicted one. Nothing for more than `most`."""
    if len(table.classes) > most:
        return []
    names = [cut(name, 10) for name in table.classes]
    rows = [("true", names), *((name, [f"{n:,}" for n in row]) for name, row in zip(names, table.counts, strict=True))]
    left = max(width(name) for name, _ in rows)
    wide = [max(width(cells[j]) for _, cells in rows) for j in range(len(names))]
    lines = [
        f"{pad(name, left)} │ " + "  ".join(" " * (w - width(cell)) + cell for cell, w in zip(cells, wide, strict=True))
        for name, cells in rows
    ]
    return [lines[0] + "  ← predicted", *lines[1:]]


def wrong_rows(found: Evaluation) -> str:
    """'Wrong rows: 3, 7 and 12 more', counted from 1."""
    listed = ", ".join(f"{row + 1:,}" for row in found.wrong[:MOST_ROWS])
    more = len(found.wrong) - MOST_ROWS
    return f"Wrong rows: {listed}{f' and {more:,} more' if more > 0 else ''}"


def wrong_words(evaluator: Evaluator, found: Evaluation, most: int) -> list[str]:
    """At most so many wrong rows: what each is, what it was taken for, and by which outputs."""
    lines = []
    true, predicted = evaluator.decide(evaluator.targets), evaluator.decide(found.outputs)
    for row in found.wrong[: max(most, 0)]:
        parts = []
        for k in np.flatnonzero(true[row] != predicted[row]):
            is_, taken = int(true[row, k]), int(predicted[row, k])
            name = f"output {evaluator.names[k]}: " if len(true[row]) > 1 else ""
            for_ = class_name(evaluator.classes[taken]) if taken >= 0 else "nothing"
            if found.kind == "classes":
                by = f"{number(found.outputs[row, taken])} against {number(found.outputs[row, is_])}"
            else:
                by = f"output {number(found.outputs[row, k])}"
            said = f"{name}{class_name(evaluator.classes[is_])} taken for {for_}"
            parts.append(f"{said}, {by}" if taken >= 0 else said)
        lines.append(f"row {row + 1:,}: {'; '.join(parts)}")
    return lines


def held_out_words(lesson: Lesson, found: Evaluation) -> str:
    """'Held out, 40 rows of 200 (held_out = 0.2), drawn with the seed 0: 31 of 40 right, 77.5 %, mean loss 0.91.'"""
    assert lesson.held_out is not None
    return f"Held out, {lesson.held_out.said}: {summary(found)}."


def words(evaluator: Evaluator, found: Evaluation, held_out: Evaluation | None = None) -> list[str]:
    """All there is to say of an evaluation, a sentence or a line of a table each; of rows held out a sentence."""
    rows = len(found.losses)
    which = "The one row" if rows == 1 else "Both rows" if rows == 2 else f"All {rows:,} rows"
    which += " that it is trained on" if held_out is not None else ""
    lines = [f"{which}: {summary(found)}."]
    if held_out is not None:
        lines.append(held_out_words(evaluator.lesson, held_out))
    lines.append(evaluator.rule)
    for table in found.tables:
        if table.title:
            share = f"{table.correct:,} of {table.total:,} right, {percent(table.correct / table.total)}"
            lines.append(f"Output {table.title}: {share}.")
        lines += ["  " + said for said in class_lines(table)]
        if matrix := matrix_lines(table):
            lines += ["  " + said for said in matrix]
    if found.kind == "numbers":
        if len(found.rmse) > 1:
            each = [f"{name} {number(value)}" for name, value in zip(evaluator.names, found.rmse, strict=True)]
            lines.append(f"RMSE of each output: {', '.join(each[:MOST_ROWS])}{' …' * (len(each) > MOST_ROWS)}.")
        worst = int(np.argmax(np.where(np.isnan(found.losses), np.inf, found.losses)))
        lines.append(f"The largest loss is row {worst + 1:,}'s, {number(found.losses[worst])}.")
    elif len(found.wrong):
        lines.append(f"{wrong_rows(found)}.")
        lines += ["  " + said for said in wrong_words(evaluator, found, MOST_TOLD)]
    else:
        lines.append("No row is wrong.")
    return lines
