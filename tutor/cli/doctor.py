"""The command `doctor`: ten sick networks, on the screen or in lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tutor.cli.errors import UsageError
from tutor.cli.finding import number
from tutor.cli.running import Kept, app
from tutor.cli.streams import asker, is_screen
from tutor.text.language import N_, say
from tutor.text.words import whole_number

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.play.doctor import Clinic, Visit

SEEDS, PATIENTS = 10**6, 10


def doctor(args: Namespace) -> int:
    """Ten patients of a seed: their illness is named, and mended."""
    seed, first = number(args.seed, "--seed", SEEDS), whole_number(args.patient, PATIENTS)
    if first is None:
        told = N_("--patient takes a number from 1 to {most}, not '{given}'")
        raise UsageError(say(told, most=PATIENTS, given=args.patient[:60]))
    if is_screen() and not args.plain:
        return app(lambda app: app.open_doctor(seed, first - 1), args.profile)
    from tutor.play.doctor import Clinic

    with Kept(args.profile) as kept:  # for the language that was chosen
        Ward(Clinic(seed), asker(kept.tell), lambda text: print(text, flush=True)).play(first - 1)
    return kept.code


class Ward:
    """The patients in lines. `ask` returns the next line, or None at the end of the input."""

    def __init__(self, clinic: Clinic, ask: Callable[[str], str | None], say: Callable[[str], None]):
        self.clinic, self.ask, self.say = clinic, ask, say
        self.at = 0
        self.visits: dict[int, Visit] = {}

    @property
    def visit(self) -> Visit:
        """The patient that is seen now."""
        from tutor.play.doctor import Visit

        if self.at not in self.visits:
            self.visits[self.at] = Visit(self.clinic[self.at])
        return self.visits[self.at]

    def play(self, at: int = 0) -> None:
        """From a patient on (from 0), until `quit`, the end of the input, or the last patient is mended."""
        self.at = at
        self._wrapped(
            say("`check`, `sizes`, `rows` and `curve` say what was found; a number chooses; `help` has the rest.")
        )
        self.begin()
        while (line := self.ask("> ")) is not None and self.obey(line.strip().lower()):
            pass
        mended = sum(visit.mended for visit in self.visits.values())
        first = sum(visit.at_first for visit in self.visits.values())
        told = N_("{mended} of {all} mended, {first} of them at the first try.")
        self.say(say(told, mended=mended, all=len(self.clinic), first=first))

    def begin(self) -> None:
        """Show a patient: its curve, and what is asked."""
        from tutor.play.findings_words import curve_words

        self.say("\n" + say("Patient {n} of {count}", n=self.at + 1, count=len(self.clinic)))
        self._wrapped(curve_words(self.visit.case.found))
        self.show_options()

    def show_options(self) -> None:
        """What is asked, and what there is to choose from."""
        self._wrapped(self.visit.asked)
        for at, option in enumerate(self.visit.options, start=1):
            self.say(f"  {at:2} {option}")

    def obey(self, word: str) -> bool:
        """Carry out a line; False to leave."""
        from tutor.play.commands import DOCTOR, in_lines
        from tutor.play.findings_words import VIEWS, curve_words

        visit = self.visit
        if word in ("quit", "q", "exit"):
            return False
        if word in VIEWS:
            self.say("\n".join(VIEWS[word](visit.case.found)))
        elif word == "curve":
            self._wrapped(curve_words(visit.case.found))
        elif word in ("", "next", "back"):
            step = -1 if word == "back" else 1
            if not 0 <= self.at + step < len(self.clinic):
                self.say(say("There is no further patient: `quit` leaves."))
            else:
                self.at += step
                self.begin()
        elif word == "show":
            self.answered(visit.named, visit.tell())
        elif word == "help":
            for usage, what in in_lines(DOCTOR).items():
                self.say(f"  {usage:26} {what}")
        elif (chosen := whole_number(word, len(visit.options))) is not None and not visit.mended:
            self.answered(visit.named, visit.choose(chosen - 1))
        elif visit.mended:
            self.say(say("This one is mended: Enter is the next patient, `help` lists the commands."))
        else:
            self.say(say("A number from 1 to {n} chooses; `help` lists the commands.", n=len(visit.options)))
        return True

    def answered(self, named: bool, said: str) -> None:
        """What was said to a choice, and what is asked next; `named`: whether the illness was known before."""
        self._wrapped(said)
        if self.visit.mended:
            self.say(say("Enter: the next patient." if self.at + 1 < len(self.clinic) else "That was the last one."))
        elif self.visit.named != named:
            self.show_options()

    def _wrapped(self, text: str) -> None:
        from tutor.text.lines import wrapped

        self.say("\n".join(wrapped(text, "", "")))
