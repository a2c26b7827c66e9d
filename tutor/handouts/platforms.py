"""Question banks for learning platforms: one entry of `PLATFORMS` a format, and nothing anywhere else.

A format writes the questions that it can carry, and says of each of the others, in a line, why not. Moodle XML and
GIFT as docs.moodle.org has them ("Moodle XML format", "GIFT format"); QTI 1.2 as IMS Global's specification has it,
in the dialect that Canvas reads (its question types in `qtimetadata`); Anki's text format with its header lines.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from html import escape
from xml.sax.saxutils import escape as xml

from tutor.handouts.asked import Asked, shuffled
from tutor.questions.mastery import title as skill_title
from tutor.text.language import N_, say
from tutor.text.output import json_text, table_cell

CANVAS_ZERO = 1e-4  # what is smaller Canvas takes for 0: it is asked times a thousand, or a million


@dataclass(frozen=True)
class Bank:
    """The questions, in order; `picture` gives a question's picture as SVG, "" for none."""

    title: str
    questions: tuple[Asked, ...]
    picture: Callable[[Asked], str]


@dataclass(frozen=True)
class BankFile:
    """A bank as a file, and a line for each question that the format cannot carry."""

    data: bytes
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Platform:
    """A format: `write` a bank; `suffix` of the file; `title` for people."""

    title: str
    suffix: str
    write: Callable[[Bank], BankFile]


def _carried(bank: Bank, whole: bool = False) -> tuple[list[Asked], tuple[str, ...]]:
    """What is a number or a choice, and a line for each question that is neither."""
    if whole:
        return list(bank.questions), ()
    kept = [q for q in bank.questions if q.right is not None or q.choices]
    lost = [q for q in bank.questions if q.right is None and not q.choices]
    return kept, tuple(f"{q.name}: {say(_WHY.get(q.item.kind, _OTHERWISE))}" for q in lost)


_ORDER = N_("it asks for an order")
_WHY = {
    "matrix": N_("it asks for a whole matrix"),
    "shape": N_("it asks for a shape"),
    "operands": _ORDER,
    "chain": _ORDER,
}
_OTHERWISE = N_("its answer is a text")


def _html(question: Asked, picture: str = "") -> str:
    """What is asked, with what is given, as HTML."""
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in question.given)
    table = f'<table border="1" cellpadding="4">{rows}</table>' if rows else ""
    return f"{picture}{table}<p>{escape(question.on_paper)}</p>"


def _working(question: Asked) -> str:
    lines = dict.fromkeys((*question.working, say("Answer: {answer}", answer=question.answer)))
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


# ---------------------------------------------------------------- Moodle


def _moodle(bank: Bank) -> BankFile:
    kept, lost = _carried(bank)
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', "<quiz>"]
    category = ""
    for question in kept:
        skill = skill_title(question.item.skill)
        here = f"$course$/{_path(bank.title)}/{_path(question.lesson.id)}/{_path(skill)}"
        if here != category:
            category = here
            parts.append(f'<question type="category"><category><text>{xml(here)}</text></category></question>')
        parts += _moodle_question(question, bank.picture(question))
    return BankFile("\n".join([*parts, "</quiz>", ""]).encode(), lost)


def _path(name: str) -> str:
    """A name within a category's path, where / parts two."""
    return name.replace("/", "//")


def _moodle_question(question: Asked, picture: str) -> Iterator[str]:
    yield f'<question type="{"multichoice" if question.choices else "numerical"}">'
    yield f"<name><text>{xml(question.name)}</text></name>"
    alt = escape(say("the network"))
    image = f'<p><img src="@@PLUGINFILE@@/picture.svg" alt="{alt}"></p>' if picture else ""
    yield f'<questiontext format="html"><text>{_cdata(_html(question, image))}</text>'
    if picture:
        data = base64.b64encode(picture.encode()).decode()
        yield f'<file name="picture.svg" path="/" encoding="base64">{data}</file>'
    yield "</questiontext>"
    yield f'<generalfeedback format="html"><text>{_cdata(_working(question))}</text></generalfeedback>'
    yield "<defaultgrade>1</defaultgrade><penalty>0.3333333</penalty><hidden>0</hidden>"
    if question.choices:
        single = str(not question.many).lower()
        yield f"<single>{single}</single><shuffleanswers>true</shuffleanswers><answernumbering>abc</answernumbering>"
        right = sum(choice.right for choice in question.choices)
        for choice in question.choices:
            share = _fraction(choice.right, right, len(question.choices) - right, question.many)
            yield f'<answer fraction="{share}" format="html"><text>{_cdata(escape(choice.text))}</text>'
            yield f'<feedback format="html"><text>{_cdata(escape(choice.says))}</text></feedback></answer>'
    else:
        assert question.right is not None
        yield from _moodle_number("100", question.right, question.tolerance, say("Right."))
        for mistake in question.mistakes:
            assert mistake.value is not None
            yield from _moodle_number("0", mistake.value, question.tolerance, mistake.says)
    yield "</question>"


def _moodle_number(fraction: str, value: float, tolerance: float, says: str) -> Iterator[str]:
    yield f'<answer fraction="{fraction}" format="moodle_auto_format"><text>{value:.10g}</text>'
    yield f'<feedback format="html"><text>{_cdata(escape(says))}</text></feedback>'
    yield f"<tolerance>{tolerance:.6g}</tolerance></answer>"


def _fraction(right: bool, rights: int, wrongs: int, many: bool) -> str:
    """The share of a choice in the marks; where several are right, wrong ones take away."""
    if not many:
        return "100" if right else "0"
    share = 100 / (rights if right else -max(wrongs, 1))
    return f"{share:.5f}".rstrip("0").rstrip(".")


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


# ---------------------------------------------------------------- GIFT


def _gift(bank: Bank) -> BankFile:
    kept, lost = _carried(bank)
    parts = [f"$CATEGORY: $course$/{_path(bank.title)}", ""]
    for question in kept:
        opening = "{" if question.choices else "{#"
        parts.append(f"::{_gift_text(question.name)}::[html]{_gift_text(_html(question))}{opening}")
        parts += list(_gift_answers(question))
        parts += [f"####{_gift_text(_working(question))}", "}", ""]
    return BankFile("\n".join(parts).encode(), lost)


def _gift_answers(question: Asked) -> Iterator[str]:
    if question.right is not None:
        yield f"={question.right:.10g}:{question.tolerance:.6g}#{_gift_text(say('Right.'))}"
        for m in question.mistakes:
            yield f"=%0%{m.value:.10g}:{question.tolerance:.6g}#{_gift_text(escape(m.says))}"
        return
    right = sum(choice.right for choice in question.choices)
    for choice in question.choices:
        sign = "=" if choice.right else "~"
        if question.many:
            sign = f"~%{_fraction(choice.right, right, len(question.choices) - right, True)}%"
        yield f"{sign}{_gift_text(escape(choice.text))}#{_gift_text(escape(choice.says))}"


def _gift_text(text: str) -> str:
    """A text in which GIFT's own signs have their backslash."""
    return re.sub(r"([~=#{}:\\])", r"\\\1", text.replace("\n", " "))


# ---------------------------------------------------------------- QTI 1.2, as Canvas reads it


def _qti(bank: Bank) -> BankFile:
    kept, lost = _carried(bank)
    items = "\n".join("\n".join(_qti_item(at, question)) for at, question in enumerate(kept, 1))
    head = 'xmlns="http://www.imsglobal.org/xsd/ims_qtiasiv1p2"'
    assessment = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<questestinterop {head}>\n'
        f'<assessment ident="bank" title="{escape(bank.title)}"><section ident="root_section">\n{items}\n'
        "</section></assessment></questestinterop>\n"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<manifest identifier="manifest" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"><resources>'
        '<resource identifier="bank" type="imsqti_xmlv1p2"><file href="bank/bank.xml"/></resource>'
        "</resources></manifest>\n"
    )
    return BankFile(_zipped({"imsmanifest.xml": manifest, "bank/bank.xml": assessment}), lost)


def _zipped(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text.encode())
    return out.getvalue()


def scaled(question: Asked) -> tuple[int, float]:
    """The factor that a number is asked times, so that Canvas does not take it for 0, and the number times it."""
    value = question.right or 0.0
    small = [abs(v) for v in (value, *(m.value or 0.0 for m in question.mistakes)) if v]
    factor = 1
    while small and abs(value) * factor < 100 * CANVAS_ZERO and value and factor < 10**9:
        factor *= 1000
    return factor, value * factor


_SCORED = (
    '<resprocessing><outcomes><decvar maxvalue="100" minvalue="0" varname="SCORE" vartype="Decimal"/></outcomes>'
)


def _qti_item(at: int, question: Asked) -> Iterator[str]:
    kind = "multiple_answers_question" if question.many else "multiple_choice_question"
    kind = kind if question.choices else "numerical_question"
    factor, right = (1, 0.0) if question.choices else scaled(question)
    prompt = _html(question)
    if factor > 1:
        said = say(
            "Give your answer times {factor}: for {example} that would be {scaled}.",
            factor=f"{factor:,}", example="0.000002", scaled=f"{2e-6 * factor:g}",
        )  # fmt: skip
        prompt += f"<p>{escape(said)}</p>"
    yield f'<item ident="q{at}" title="{escape(question.name)}"><itemmetadata><qtimetadata>'
    yield f"<qtimetadatafield><fieldlabel>question_type</fieldlabel><fieldentry>{kind}</fieldentry></qtimetadatafield>"
    yield "<qtimetadatafield><fieldlabel>points_possible</fieldlabel><fieldentry>1.0</fieldentry></qtimetadatafield>"
    yield "</qtimetadata></itemmetadata>"
    yield f'<presentation><material><mattext texttype="text/html">{xml(prompt)}</mattext></material>'
    if question.choices:
        yield from _qti_choices(at, question)
    else:
        yield '<response_str ident="response1" rcardinality="Single"><render_fib fibtype="Decimal">'
        yield '<response_label ident="answer1"/></render_fib></response_str></presentation>'
        yield _SCORED
        yield _qti_range(right, question.tolerance * factor, "right_fb", 100)
        for n, mistake in enumerate(question.mistakes):
            yield _qti_range((mistake.value or 0.0) * factor, question.tolerance * factor, f"m{n}_fb", 0)
        yield "</resprocessing>"
        for n, mistake in enumerate(question.mistakes):
            yield _qti_feedback(f"m{n}_fb", f"<p>{escape(mistake.says)}</p>")
    yield _qti_feedback("general_fb", _working(question))
    yield "</item>"


def _qti_range(value: float, tolerance: float, feedback: str, score: int) -> str:
    low, high = value - tolerance, value + tolerance
    var = '<{0} respident="response1">{1:.12g}</{0}>'
    within = f"<and>{var.format('vargte', low)}{var.format('varlte', high)}</and>"
    exact = var.format("varequal", value)
    if score:
        does = f'<setvar action="Set" varname="SCORE">{score}</setvar>'
    else:
        does = f'<displayfeedback feedbacktype="Response" linkrefid="{feedback}"/>'
    test = f"<conditionvar><or>{exact}{within}</or></conditionvar>"
    return f'<respcondition continue="{"No" if score else "Yes"}">{test}{does}</respcondition>'


def _qti_choices(at: int, question: Asked) -> Iterator[str]:
    order = shuffled(question.choices, question.name) if not question.many else list(question.choices)
    cardinality = "Multiple" if question.many else "Single"
    yield f'<response_lid ident="response1" rcardinality="{cardinality}"><render_choice>'
    for n, choice in enumerate(order):
        text = f'<mattext texttype="text/plain">{xml(choice.text)}</mattext>'
        yield f'<response_label ident="q{at}c{n}"><material>{text}</material></response_label>'
    yield "</render_choice></response_lid></presentation>"
    yield _SCORED
    for n, choice in enumerate(order):
        if choice.says and not question.many:
            test = f'<conditionvar><varequal respident="response1">q{at}c{n}</varequal></conditionvar>'
            shown = f'<displayfeedback feedbacktype="Response" linkrefid="c{n}_fb"/>'
            yield f'<respcondition continue="Yes">{test}{shown}</respcondition>'
    tests = [f'<varequal respident="response1">q{at}c{n}</varequal>' for n, choice in enumerate(order)]
    each = zip(tests, order, strict=True)
    wanted = [test if c.right else f"<not>{test}</not>" for test, c in each if question.many or c.right]
    whole = f"<and>{''.join(wanted)}</and>" if question.many else wanted[0]
    yield f'<respcondition continue="No"><conditionvar>{whole}</conditionvar>'
    yield '<setvar action="Set" varname="SCORE">100</setvar></respcondition></resprocessing>'
    for n, choice in enumerate(order):
        if choice.says and not question.many:
            yield _qti_feedback(f"c{n}_fb", f"<p>{escape(choice.says)}</p>")


def _qti_feedback(ident: str, html: str) -> str:
    text = f'<mattext texttype="text/html">{xml(html)}</mattext>'
    return f'<itemfeedback ident="{ident}"><flow_mat><material>{text}</material></flow_mat></itemfeedback>'


# ---------------------------------------------------------------- Anki, CSV, JSON


def _anki(bank: Bank) -> BankFile:
    lines = ["#separator:tab", "#html:true", f"#deck:{_one_line(bank.title)}", "#notetype:Basic", "#tags column:3"]
    for question in bank.questions:
        front = _html(question)
        if question.choices:
            front += "<ol>" + "".join(f"<li>{escape(c.text)}</li>" for c in question.choices) + "</ol>"
        slips = "".join(f"<li>{escape(m.answer)}: {escape(m.says)}</li>" for m in question.mistakes)
        wrong = [choice for choice in question.choices if not choice.right and choice.says]
        slips += "".join(f"<li>{escape(choice.text)}: {escape(choice.says)}</li>" for choice in wrong)
        back = _working(question)
        if slips:
            back += f"<p>{escape(say('If you have another answer:'))}</p><ul>{slips}</ul>"
        tags = f"{question.lesson.id} {question.item.skill}".replace("\t", " ")
        lines.append("\t".join(_one_line(part) for part in (front, back, tags)))
    return BankFile(("\n".join(lines) + "\n").encode(), ())


def _one_line(text: str) -> str:
    return re.sub(r"[\t\r\n]+", " ", text)


def _record(question: Asked) -> dict[str, object]:
    return {
        "lesson": question.lesson.id,
        "question": question.item.id,
        "name": question.name,
        "kind": question.item.kind,
        "skill": question.item.skill,
        "step": question.item.step.id,
        "prompt": question.on_paper,
        "given": dict(question.given),
        "answer": question.answer,
        "value": question.right,
        "tolerance": question.tolerance if question.right is not None else None,
        "choices": [asdict(choice) for choice in question.choices],
        "mistakes": [asdict(mistake) for mistake in question.mistakes],
        "working": list(question.working),
    }


def _json(bank: Bank) -> BankFile:
    record = {"format": 1, "title": bank.title, "questions": [_record(question) for question in bank.questions]}
    return BankFile((json_text(record, indent=2) + "\n").encode(), ())


def _csv(bank: Bank) -> BankFile:
    out = io.StringIO()
    columns = list(_record(bank.questions[0])) if bank.questions else ["lesson"]
    table = csv.DictWriter(out, columns, lineterminator="\r\n")
    table.writeheader()
    for question in bank.questions:
        row = _record(question)
        table.writerow({key: _cell(value) for key, value in row.items()})
    return BankFile(out.getvalue().encode("utf-8-sig"), ())


def _cell(value: object) -> object:
    """A cell of a table: lists and objects as JSON."""
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    return table_cell(value)


PLATFORMS: dict[str, Platform] = {
    "moodle": Platform("Moodle XML", "xml", _moodle),
    "gift": Platform("GIFT", "gift", _gift),
    "qti": Platform("QTI 1.2, for Canvas", "zip", _qti),
    "anki": Platform("Anki, notes as text", "txt", _anki),
    "csv": Platform("a table", "csv", _csv),
    "json": Platform("JSON", "json", _json),
}


def bank_of(title: str, questions: Iterable[Asked], picture: Callable[[Asked], str]) -> Bank:
    """A bank in which no two questions have the same name."""
    seen: dict[str, int] = {}
    found: list[Asked] = []
    for question in (replace(question, name=_plain(question.name)) for question in questions):
        seen[question.name] = seen.get(question.name, 0) + 1
        number = seen[question.name]
        found.append(question if number == 1 else replace(question, name=f"{question.name} ({number})"))
    return Bank(_plain(title), tuple(found), picture)


def _plain(name: str) -> str:
    """A name that no platform takes for markup, whatever it does with names."""
    return name.replace("<", "‹").replace(">", "›")
