"""The lesson that `backprop-tutor new --from` writes: a network whose weights are kept in a file beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tutor.engine.losses import LOSSES
from tutor.lessonfiles.csv_table import CsvTable
from tutor.lessonfiles.file_names import lesson_id
from tutor.lessonfiles.model_layers import DenseLayers
from tutor.lessonfiles.writing import toml
from tutor.text.language import say
from tutor.text.output import FORBIDDEN, escape
from tutor.text.words import plural

BATCH = 16  # examples of an update, where there are as many
CLASS_NAMES = ("class", "label", "target", "species", "digit", "category", "y")  # of a column with the classes


@dataclass(frozen=True)
class Described:
    """What is asked of a person: an activation a layer, the loss; the outputs' names where they are classes."""

    activations: tuple[str, ...]
    loss: str
    classes: tuple[str, ...] = ()


def losses_for(activation: str) -> list[str]:
    """The losses that an output with this activation may have, the usual one first."""
    wanted = [name for name, entry in LOSSES.items() if entry.wants == activation]
    return wanted + ([name for name, entry in LOSSES.items() if not entry.wants] if activation != "softmax" else [])


def usual_activations(chain: DenseLayers) -> tuple[str, ...]:
    """What the activations most often are: ReLU, and softmax at several outputs."""
    many = len(chain.layers)
    return (*["relu"] * (many - 1), "softmax" if chain.sizes[-1] > 1 else "linear")


def spread(given: Sequence[str], many: int) -> tuple[str, ...] | None:
    """An activation a layer: as many as are given; of two the first is that of all hidden layers; None else."""
    if len(given) == many:
        return tuple(given)
    return (*[given[0]] * (many - 1), given[1]) if len(given) == 2 and many > 2 else None


def class_column(table: CsvTable, inputs: int, outputs: int) -> int | None:
    """Which column of a table has the classes; None where the last columns are the targets.

    Raises ValueError where the columns are neither.
    """
    header, many = table.header, len(table.header)
    numbers = all(_is_number(row[-1]) for row in table.rows[:100])
    if many == inputs + outputs and (outputs > 1 or numbers):
        return None
    if many == inputs + 1:
        named = [at for at, name in enumerate(header) if name.lower() in CLASS_NAMES]
        return named[0] if len(named) == 1 else many - 1
    raise ValueError(
        say(
            "the table has {columns}; the network wants {n} and {targets}, or {n} and the class"
            if outputs > 1
            else "the table has {columns}; the network wants {n} and {targets}",
            columns=plural(many, "column"), n=f"{inputs:,}", targets=plural(outputs, "target"),
        )
    )  # fmt: skip


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def class_values(table: CsvTable, column: int) -> list[str]:
    """The classes in a column: numbers by size, words by the alphabet."""
    found = sorted({row[column] for row in table.rows if row[column]})
    return sorted(found, key=float) if all(map(_is_number, found)) else found


def lesson_text(
    path: Path,
    model: str,
    chain: DenseLayers,
    described: Described,
    data: Mapping[str, Any],
    batch: int | Literal["all"] = BATCH,
) -> str:
    """The text of the lesson. `data` are the keys that say where its examples are; without any one is made up."""
    words = FORBIDDEN.sub("", lesson_id(path)).replace("-", " ").replace("_", " ").strip() or say("my network")
    values: dict[str, Any] = {
        "format": 1,
        "title": words[:1].upper() + words[1:],
        "summary": say(
            "A network of {sizes} with the weights of {file}", sizes=" → ".join(map(str, chain.sizes)), file=model
        ),
        "unit": say("My lessons"),
        "level": "matrix",
    }
    values |= data
    values["network"] = {
        "inputs": chain.sizes[0],
        "loss": described.loss,
        **({"layout": "from_to"} if chain.in_by_out else {}),
        "layers": [
            {
                "units": list(described.classes) if described.classes and at == len(chain.layers) else units,
                "activation": activation,
                "weights": f"{model}:{layer.weights}",
                "biases": f"{model}:{layer.biases}" if layer.biases is not None else False,
            }
            for at, (layer, units, activation) in enumerate(
                zip(chain.layers, chain.sizes[1:], described.activations, strict=True), start=1
            )
        ],
    }
    if "examples" not in data:
        values["examples"] = [_made_up(chain, described)]
    values["training"] = {"learning_rate": 0.1}
    if "examples" in data:
        values["training"] |= {"batch": batch} | ({} if batch == "all" else {"order": "shuffled"})
    comment = [" ".join([say("Made from {file}.", file=model), *chain.said])]
    if "examples" not in data:
        comment.append(
            say('The example is made up. Put your own there, or a file: examples = "rows.csv" above [network].')
        )
    return "".join(f"# {escape(line)}\n" for line in comment) + toml(values)


def _made_up(chain: DenseLayers, described: Described) -> dict[str, Any]:
    """An example with plain numbers, for a network without data."""
    inputs = [(at * 3 % 10) / 10 for at in range(1, chain.sizes[0] + 1)]
    if described.loss == "cross_entropy":
        return {"inputs": inputs, "target": 1}
    least = (LOSSES[described.loss].targets or (0,))[-1]
    return {"inputs": inputs, "targets": [least] * chain.sizes[-1]}

