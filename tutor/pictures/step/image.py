"""The image that a network reads, and what a unit of its first layer looks for in it: its weights, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.trace import Step, Trace
from tutor.pictures.canvas import Canvas, Picture
from tutor.pictures.pixels import draw_pixels, scale_of, size_of, smaller, text_rows
from tutor.pictures.step.shown import PictureKind, Shown
from tutor.text.card import Scribe
from tutor.text.language import N_, say
from tutor.text.layout import number

_GAP = 3


def image_shape(trace: Trace) -> tuple[int, int] | None:
    """Rows and columns of the image that the inputs are; None where a lesson does not say that they are one."""
    return trace.program.model.image


def _first_layer(trace: Trace) -> list[Symbol]:
    return [trace.program.model.layers[0].pre_activation] if image_shape(trace) else []


def _image_of(step: Step, example: int) -> Ref | None:
    """The unit of the first layer that a step is about, else the one with the largest sum."""
    symbols = _first_layer(step.trace)
    if not symbols:
        return None
    z = symbols[0]
    about = step.equation.symbol.wrt or step.equation.symbol
    one = example if z.per_example else None
    if about.layer == 1 and step.index:
        return Ref(z, (step.index[0],), one)
    values = np.asarray(step.trace.value(Ref(z, None, one)))
    return Ref(z, (int(np.nanargmax(np.where(np.isfinite(values), values, -np.inf))),), one)


def _suits(step: Step) -> bool:
    about = step.equation.symbol.wrt or step.equation.symbol
    return about.layer == 1 and bool(image_shape(step.trace))


def image_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is a unit's z in the first layer."""
    trace, writer = scribe.trace, scribe.writer
    shape, layer = image_shape(trace), trace.program.model.layers[0]
    assert shape and subject.index
    unit, example = subject.index[0], subject.example
    x = np.asarray(trace.value(Ref(layer.feeds, None, example)), dtype=float)
    weights = np.asarray(trace.value(Ref(layer.weights)), dtype=float)
    own, z = weights[unit], float(trace.value(subject))
    parts = x * own
    up, down = float(parts[parts > 0].sum()), float(parts[parts < 0].sum())
    bias = 0.0
    if layer.biases is not None:
        bias = float(np.broadcast_to(np.asarray(trace.value(Ref(layer.biases))), (layer.units,))[unit])
    name, image, row = writer.text(subject), f"{shape[0]} × {shape[1]}", writer.text(Ref(layer.weights))
    up_, down_, bias_, z_ = _alike(up, abs(down), bias, z)
    told = (
        N_("{sum}: the pixels that speak for unit {unit} of {units}, those against it, and its bias.")
        if _term(bias_)
        else N_("{sum}: the pixels that speak for unit {unit} of {units}, those against it.")
    )
    facts = [
        say(told, sum=f"{name} = {up_} − {down_}{_term(bias_)} = {z_}", unit=unit + 1, units=layer.units),
        *_class_facts(trace, example),
        say("Row {unit} of {weights} as an image: a pixel is the weight of the pixel in that place. "
            "Blocks (blue) are above 0: ink there raises {name}. Signs such as ## (orange) are below 0: ink there "
            "lowers it.", unit=unit + 1, weights=row, name=name),
    ]  # fmt: skip
    if not x.all():
        dark = int((x == 0).sum())
        facts.append(say("{n} of the {all} pixels are 0: this image gives their weights no gradient.",
                         n=dark, all=x.size))  # fmt: skip
    facts.append(say("The image is {size} pixels, row by row.", size=image))
    if layer.drawn and trace.iteration.number == 1:
        facts.append(say("Before training the weights are noise, as they were drawn: train, and look again."))
    pixels, looks = x.reshape(shape), own.reshape(shape)
    whole = weights.reshape(layer.units, *shape)

    def draw(columns: int, rows: int) -> Picture:
        return _draw(pixels, looks, whole, unit, columns, rows)

    weights_of = say("the weights of unit {unit}:", unit=unit + 1)
    plain = (say("the image:"), *text_rows(pixels), weights_of, *text_rows(looks))
    return Shown(say("The image, and what unit {unit} looks for", unit=unit + 1), tuple(facts), draw, plain)


def _alike(*values: float) -> list[str]:
    """Numbers with as many places each as the largest has of four digits, so that they can be added up."""
    largest = max(map(abs, values))
    if not 1e-4 <= largest < 1e6:
        return [number(value) for value in values]
    places = max(0, 3 - int(np.floor(np.log10(largest))))
    return [f"{value:.{places}f}".replace("-", "−") for value in values]


def _term(text: str) -> str:
    """A number that is added, with its sign; nothing of 0."""
    if not text.strip("−0."):
        return ""
    return f" − {text[1:]}" if text.startswith("−") else f" + {text}"


def _class_facts(trace: Trace, example: int | None) -> list[str]:
    """What the image is of and what it is taken for, where the last layer has a unit a class."""
    model = trace.program.model
    target, last = model.data[1], model.layers[-1]
    names: Sequence[str] = trace.lesson.classes or last.names or ()
    y = np.asarray(trace.value(Ref(target, None, example)), dtype=float)
    outputs = np.asarray(trace.value(Ref(last.activation, None, example)), dtype=float)
    if len(names) < 2 or len(names) != y.size or y.size != outputs.size or not np.all(np.isfinite(outputs)):
        return []
    true, taken = names[int(np.argmax(y))], names[int(np.argmax(outputs))]
    told = (
        N_("It is a {true}; the largest output, {largest}, is that of {taken}: rightly.")
        if true == taken
        else N_("It is a {true}; the largest output, {largest}, is that of {taken}: wrongly.")
    )
    return [say(told, true=true, taken=taken, largest=number(float(outputs.max()), 3))]


def _draw(pixels: np.ndarray, looks: np.ndarray, whole: np.ndarray, unit: int, columns: int, rows: int) -> Picture:
    """The image and the unit's weights beside each other, as large as they fit; below or beside them all units small.

    What has more pixels than there is room for is drawn with fewer, each the mean of four.
    """
    wide, said = (columns - _GAP) // 2, say("the image")
    while not (scale := scale_of(pixels.shape, wide, rows - 1)) and max(pixels.shape) > 1:
        pixels, looks, whole, said = smaller(pixels), smaller(looks), smaller(whole), say("the image, smaller")
    if not scale:
        return ()
    small = 1 + size_of(pixels.shape, 1)[1]
    if scale > 2 and rows - 1 - size_of(pixels.shape, scale)[1] < small:
        scale = 2  # a little smaller, so that the other units have room
    canvas, (across, down) = Canvas(columns, rows), size_of(pixels.shape, scale)
    second = max(across, len(said)) + _GAP
    canvas.text(0, 0, said, "heading")
    canvas.text(second, 0, say("unit {unit}", unit=unit + 1), "heading")
    draw_pixels(canvas, 0, 1, pixels, float(np.abs(pixels).max()), scale)
    draw_pixels(canvas, second, 1, looks, float(np.abs(looks).max()), scale)
    if rows - 1 - down >= small:
        _draw_all(canvas, whole, unit, 0, down + 1)
    else:
        _draw_all(canvas, whole, unit, second + across + _GAP, 0)
    return canvas.picture()


def _draw_all(canvas: Canvas, whole: np.ndarray, unit: int, left: int, top: int) -> None:
    """The weights of as many units as there is room for right of and below a cell; the one looked at is marked."""
    across, down = size_of(whole.shape[1:], 1)
    each, high = max(across, 3) + 2, down + 1
    in_a_row, lines = (canvas.columns - left + 2) // each, (canvas.rows - top) // high
    if in_a_row < 1 or lines < 1:
        return
    room = in_a_row * lines
    first = max(0, min(unit - room // 2, len(whole) - room))
    most = float(np.abs(whole).max())
    for at, weights in enumerate(whole[first : first + room]):
        x, y = left + at % in_a_row * each, top + at // in_a_row * high
        mine = first + at == unit
        canvas.text(x, y, f"▸{first + at + 1}" if mine else f" {first + at + 1}", "value" if mine else "dim")
        draw_pixels(canvas, x, y + 1, weights, most, 1)


KIND = PictureKind(
    N_("image"), N_("a network whose inputs are an image"), _first_layer, _image_of, image_picture, _suits, ahead=True
)
