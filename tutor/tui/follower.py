"""What the screens over the player have in common: they see the sitting that it holds, and hand up another."""

from __future__ import annotations

from tutor.play.sitting import Sitting


class Follower:
    """A screen over the player: it gets each new sitting. What is done in it goes up through a callback."""

    sitting: Sitting

    def follow(self, sitting: Sitting) -> None:
        """The player is at another place, or has other changes."""
        self.sitting = sitting
