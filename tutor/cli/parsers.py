"""Parsers that say everything in the learner's language, and raise in place of leaving: argparse, made ours."""

from __future__ import annotations

import argparse
import os
import re
import sys
from argparse import ArgumentParser
from itertools import groupby

from tutor.cli.errors import UsageError
from tutor.text.language import say, say_many

TYPE_CHECKING = False  # as in `tutor`: typing's own would be a fifth of what --help takes
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

# argparse asks gettext for its own words, by these two names; they are of our catalogue.
vars(argparse).update(_=say, ngettext=lambda one, many, n: say_many(n, one, many))


class Formatter(argparse.RawDescriptionHelpFormatter):
    """As wide as the terminal. argparse would ask shutil, which brings the archive formats with it."""

    def __init__(self, prog: str) -> None:
        try:
            columns = int(os.environ["COLUMNS"])
        except (KeyError, ValueError):
            columns = 0
        if columns <= 0:
            try:
                columns = os.get_terminal_size(sys.__stdout__.fileno()).columns  # type: ignore[union-attr]
            except (AttributeError, ValueError, OSError):  # closed, or no terminal
                columns = 0
        super().__init__(prog, width=(columns or 80) - 2)


class Parser(ArgumentParser):
    """A parser that raises UsageError in place of leaving."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(say("{message}; see {command} --help", message=message, command=self.prog))

    def _parse_optional(self, arg_string: str) -> Any:
        """What begins with one stroke and is no option is a number or a formula: -39/125, -2(y - yhat), -1e-3."""
        if arg_string[:1] == "-" and arg_string[:2] != "--" and arg_string not in self._option_string_actions:
            short = self._option_string_actions.get(arg_string[:2])
            if short is None or short.nargs == 0:
                return None
        return super()._parse_optional(arg_string)


def translate_all(parser: ArgumentParser, translate: Callable[[str], str]) -> None:
    """Put all that a parser says, and those of its commands, into another language; names of options stay."""

    def said(text: Any) -> Any:
        return translate(text) if text and text != argparse.SUPPRESS else text

    parser.description = said(parser.description)
    parser.epilog = parser.epilog and _epilog(parser.epilog, translate)
    for group in parser._action_groups:
        group.title = said(group.title)
    for action in parser._actions:
        action.help = said(action.help)
        named = action.metavar
        action.metavar = tuple(map(said, named)) if isinstance(named, tuple) else said(named)
        if isinstance(action, argparse._SubParsersAction):
            for listed in action._choices_actions:
                listed.help = said(listed.help)
            for made in filter(None, action.choices.values()):
                translate_all(made, translate)


def _epilog(text: str, translate: Callable[[str], str]) -> str:
    """Of an indented line what stands in its second column is a message; of the other lines each paragraph is one."""
    found = []
    for indented, lines in groupby(text.split("\n"), lambda line: line[:1] in ("", " ")):
        if indented:
            found += [re.sub(r"(?<=\S)( {2,})(\S.*)", lambda row: row[1] + translate(row[2]), line) for line in lines]
        else:
            found.append(translate("\n".join(lines)))
    return "\n".join(found)
