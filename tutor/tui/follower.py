"""What the screens that play a lesson have in common: they see its sitting, move it, and say why a move cannot be."""

from __future__ import annotations

from collections.abc import Callable

from tutor.play.settings import Refused
from tutor.play.sitting import Sitting
from tutor.tui.screen import TutorScreen


class Mover(TutorScreen):
    """A screen that moves the sitting: `show` makes another one the player's."""

    sitting: Sitting
    show: Callable[[Sitting], None]

    def go(self, move: Callable[[], Sitting]) -> None:
        """Show where a move leads; or say why it leads nowhere."""
        try:
            moved = move()
        except Refused as error:
            self.say(str(error))
        else:
            self.show(moved)


class Follower:
    """A screen over the player: it gets each new sitting. What is done in it goes up through a callback."""

    sitting: Sitting

    def follow(self, sitting: Sitting) -> None:
        """The player is at another place, or has other changes."""
        self.sitting = sitting
