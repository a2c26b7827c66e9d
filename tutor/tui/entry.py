"""A line to type in whose Enter takes what stands there when it comes, however fast the keys are."""

from __future__ import annotations

from textual.events import Key
from textual.reactive import reactive
from textual.widgets import Input


class EntryInput(Input):
    """An `Input` that handles Enter with the other keys, in their order.

    As a binding it would be looked up only after the key has bubbled up to the app: what is typed meanwhile would be
    taken for a part of the text. The cursor stands still, as home's does: nothing is painted while no key is pressed.
    """

    cursor_blink = reactive(False, init=False)

    async def _on_key(self, event: Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            await self.action_submit()
            return
        await super()._on_key(event)
