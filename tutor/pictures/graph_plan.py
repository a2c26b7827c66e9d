"""Where the nodes of a graph stand: in columns by depth, so that few wires cross and most of them are straight.

Layers by longest path and the order by the mean place of the neighbours: Sugiyama, Tagawa and Toda, "Methods for
Visual Understanding of Hierarchical System Structures", 1981.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass
class Node:
    """A gate, an input, or (`name` None) a wire passing through; `high` rows, an odd number, `row` the middle one."""

    name: str | None
    of: str  # the name of the wire
    high: int = 1
    row: int = 0


class GatePlan:
    """`takes`: of each gate what it takes, in an order in which values are known; `given`: what no gate makes."""

    def __init__(self, given: Sequence[str], takes: Mapping[str, Sequence[str]], high: Callable[[str], int]):
        self.takes, self.high = takes, high
        self.users: dict[str, list[str]] = {name: [] for name in (*given, *takes)}
        for gate, taken in takes.items():
            for name in dict.fromkeys(taken):
                self.users[name].append(gate)
        self.depth = {name: 0 for name in given}
        for name, taken in takes.items():
            self.depth[name] = 1 + max((self.depth[t] for t in taken), default=0)
        for name in given:  # an input stands just before the first gate that takes it
            self.depth[name] = min((self.depth[gate] for gate in self.users[name]), default=1) - 1
        self.last = max(self.depth.values())

    def columns(self, shown: range) -> list[list[Node]]:
        """The nodes of each of these depths, and the wires passing through, from top to bottom."""
        columns: list[list[Node]] = [[] for _ in shown]
        for name, d in self.depth.items():
            if d in shown:
                columns[d - shown[0]].append(Node(name, name, self.high(name)))
        for name, d in self.depth.items():
            far = max((self.depth[gate] for gate in self.users[name]), default=d)
            for between in range(max(d + 1, shown[0]), min(far, shown[-1] + 1)):
                columns[between - shown[0]].append(Node(None, name))
        for _ in range(4):
            for n in range(1, len(columns)):
                self._sort(columns[n], columns[n - 1], self._before)
            for n in range(len(columns) - 2, -1, -1):
                self._sort(columns[n], columns[n + 1], self._after)
        return columns

    def _before(self, node: Node) -> Iterable[str]:
        return self.takes.get(node.name, ()) if node.name else (node.of,)

    def _after(self, node: Node) -> Iterable[str]:
        return (*self.users[node.of], node.of)

    def _sort(self, column: list[Node], beside: list[Node], neighbours: Callable[[Node], Iterable[str]]) -> None:
        place = {node.of: at / max(len(beside) - 1, 1) for at, node in enumerate(beside)}
        own = {id(node): at / max(len(column) - 1, 1) for at, node in enumerate(column)}

        def mean(node: Node) -> float:
            found = [place[name] for name in neighbours(node) if name in place]
            return sum(found) / len(found) if found else own[id(node)]

        column.sort(key=mean)

    def place(self, columns: list[list[Node]], top: int, body: int) -> None:
        """Give every node its row, within `body` rows from `top` on; they have to fit."""
        slack = min((body - rows_of(column)) // max(len(column), 1) for column in columns)
        for column in columns:
            free = body - rows_of(column)
            gap = min(free / max(len(column), 1), 4)
            row = top + (body - rows_of(column) - gap * (len(column) - 1)) / 2
            for node in column:
                node.row = int(row) + node.high // 2
                row += node.high + gap
        self._straighten(columns, top, body, min(max(slack, 0), 3))

    def _straighten(self, columns: list[list[Node]], top: int, body: int, apart: int) -> None:
        """Move nodes towards what they are connected with, as far as their neighbours above and below allow."""

        def distance(upper: Node, lower: Node) -> int:
            return upper.high // 2 + 1 + lower.high // 2 + (apart if upper.name and lower.name else 0)

        for sweep in range(6):
            onward = sweep % 2 == 0
            for n in range(1, len(columns)) if onward else range(len(columns) - 2, -1, -1):
                rows = {node.of: node.row for node in columns[n - 1 if onward else n + 1]}
                neighbours = self._before if onward else self._after
                column = columns[n]
                for at, node in enumerate(column):
                    found = [rows[name] for name in neighbours(node) if name in rows]
                    if not found:
                        continue
                    low, high = top + node.high // 2, top + body - 1 - node.high // 2
                    if at:
                        low = column[at - 1].row + distance(column[at - 1], node)
                    if at + 1 < len(column):
                        high = column[at + 1].row - distance(node, column[at + 1])
                    node.row = max(low, min(round(sum(found) / len(found)), high))


def rows_of(column: Iterable[Node]) -> int:
    """How many rows the nodes of a column need at least."""
    return sum(node.high for node in column)
