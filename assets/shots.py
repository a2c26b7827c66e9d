"""The pictures in README.md: `make shots`. Each is a screen of the running tutor as SVG beside this file, a page a PNG.

The learner's data is a temporary folder, so that the same program always gives the same pictures.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # of this checkout, whatever is installed

FONT = '"DejaVu Sans Mono", "Menlo", "Consolas", monospace'  # no picture asks another host for its letters

# name: columns, rows, lesson (none: home), step, level, notation, pane
SHOTS = {
    "home-80x24": (80, 24, None, "", "", "", ""),
    "home-160x48": (160, 48, None, "", "", "", ""),
    "player-80x24": (80, 24, "o-classification", "dL/dW1[2,1]", "scalar", "partials", "where"),
    "player-160x48": (160, 48, "p-deep", "dL/da1[2]", "scalar", "nabla", "card"),
    "predict-80x24": (80, 24, "o-classification", "dL/dz1[2]", "scalar", "partials", "answer"),
    "matrix-120x40": (120, 40, "p-deep", "dL/da1", "matrix", "dz", "card"),
    "chain-160x48": (160, 48, "p-deep", "dL/dW1[1,1]", "scalar", "nabla", "card"),
    "diagram-120x40": (120, 40, "c-431", "dL/dz1[2]", "scalar", "delta", "card"),
    "slope-120x40": (120, 40, "one-neuron", "dL/dW1[1,1]", "scalar", "partials", "card"),
    "recurrence-120x40": (120, 40, "recurrence", "dL/dWh", "matrix", "partials", "card"),
    "attention-120x40": (120, 40, "attention", "dL/dA", "matrix", "partials", "card"),
    "paper-80x24": (80, 24, "o-classification", "z1", "matrix", "partials", "card"),
    "training-160x48": (160, 48, "flowers", "L", "matrix", "dz", "card"),
}
# Keys that are pressed on the step.
KEYS = {
    "chain-160x48": ("c", "n", "n", "n"),
    "diagram-120x40": ("m",),
    "slope-120x40": ("v",),
    "recurrence-120x40": ("m",),
    "paper-80x24": tuple("s 0 . 3 8 enter 0 . 8 enter 0 . 5 9 4 enter 0 . 8 enter - 0 . 2 2 5 enter f7".split()),
    "training-160x48": ("x", "p", *"60", "enter"),
}


async def shot(name: str) -> None:
    from tutor.learner.rows import Place
    from tutor.learner.store import Store
    from tutor.lessonfiles import catalogue
    from tutor.lessonfiles.check import load
    from tutor.tui.app import TutorApp

    columns, rows, lesson, step, level, notation, pane = SHOTS[name]
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "tutor.db") as store:
        store.finish("gates")
        store.save_place("sigmoid-neuron", Place("f", "scalar", "delta", 1, 0))
        path = catalogue.find(lesson) if lesson else None
        if lesson:
            store.save_place(lesson, Place(step, level, notation, 1, 0))
        store.save_setting("predict", name.startswith("predict"))
        store.save_setting("ask-everything", True)
        opened = load(path) if path else None
        app = TutorApp(store, (lambda app: app.play(opened, lesson)) if opened else None)
        async with app.run_test(size=(columns, rows)) as pilot:
            await pilot.pause()
            for _ in range(5):
                if lesson and pane != "answer" and app.screen.focused and app.screen.focused.id != pane:
                    await pilot.press("tab")
            await pilot.pause(0.1)
            if pane == "answer":  # a slip, and what is said to it
                await pilot.press(*"0.3759", "enter", "tab")
                await pilot.pause(0.1)
            for key in KEYS.get(name, ()):
                await pilot.press(key)
                await pilot.pause(0.1)
            for _ in range(100):  # a training that goes on
                if not getattr(app.screen, "threads", None):
                    break
                await pilot.pause(0.1)
            await pilot.pause(0.3)
            title = "backprop-tutor" if lesson is None else f"backprop-tutor play {lesson}"
            (HERE / f"{name}.svg").write_text(self_contained(app.export_screenshot(title=title)), encoding="utf-8")


LAB = "lab-120x30"
PAGE, SHEET, REPORT = "page-1000x640", "worksheet", "report"


async def lab_shot() -> None:
    """An exercise of the lab, its file with a slip in it."""
    from tutor.lab.exercises import EXERCISES
    from tutor.learner.store import Store
    from tutor.tui.app import TutorApp

    exercise = EXERCISES["softmax"]
    source = (HERE.parent / "tests" / "data" / "lab" / "softmax.py").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "tutor.db") as store:
        os.environ["HOME"] = folder  # the path on the screen is the same each time
        path = Path(folder) / "lab" / "softmax.py"
        path.parent.mkdir()
        path.write_text(re.sub(r"( +dz = ).*", r"\1p * (1 - p) * dp", source), encoding="utf-8")
        app = TutorApp(store, lambda app: app.open_bench(exercise, path, False))
        async with app.run_test(size=(120, 30)) as pilot:
            await pilot.pause(0.5)
            await app.workers.wait_for_complete()
            await pilot.press("tab")
            bench = app.screen
            bench.ran = "14:02:10"
            bench.draw()
            await pilot.pause(0.3)
            title = "backprop-tutor lab start softmax"
            (HERE / f"{LAB}.svg").write_text(self_contained(app.export_screenshot(title=title)), encoding="utf-8")


def in_browser(name: str, file: Path, width: int, height: int) -> None:
    """A picture of a file in a browser, where there is one."""
    from browser import Browser

    tab = Browser(file.parent / "profile")
    tab.open(file, width, height, "document.readyState == 'complete'")
    tab.picture(HERE / f"{name}.png")
    tab.close()


def page_shot(folder: Path) -> None:
    """A lesson's page: a gradient, and where one of its values is from."""
    from browser import Browser
    from strategies import bundled
    from tutor.handouts.page import page

    file = folder / "page.html"
    file.write_text(page(bundled("o-classification")).html, encoding="utf-8")
    tab = Browser(folder / "profile")
    tab.open(file, 1000, 640)
    tab.press("]", "]", *("n",) * 6)
    tab.run("document.querySelector('#card [data-to]').focus()")
    tab.picture(HERE / f"{PAGE}.png")
    tab.close()


def sheet_shot(folder: Path) -> None:
    """A sheet with numbers of its own."""
    from tutor.cli.commands import main as command

    command(["worksheet", "o-classification", "--variants", "1", "-o", str(folder)])
    in_browser(SHEET, next(folder.glob("sheet-*.html")), 760, 880)


def report_shot(folder: Path) -> None:
    """The report of a class of 120: the better a simulated learner, the seldomer the number of a named slip."""
    import json
    import random

    from strategies import bundled
    from tutor.cli.commands import main as command
    from tutor.handouts.asked import asked, items_of
    from tutor.learner.records import Stopwatch, keep_try
    from tutor.learner.store import Store
    from tutor.questions.attempt import Asking, respond

    dice = random.Random(1)
    lesson = bundled("o-classification")
    items = [item for item in items_of(lesson, 12, 1, "") if asked(item).mistakes]
    for number in range(120):
        with Store.open(folder / f"{number}.db") as store:
            for item in items:
                question = asked(item)
                slip = dice.choice(question.mistakes[:3]).answer
                typed = question.answer if dice.random() < 0.3 + number / 180 else slip
                keep_try(store, lesson.id, respond(Asking(item), typed), Stopwatch())
            (folder / f"Learner {number + 1:03}.json").write_text(json.dumps(store.export()), encoding="utf-8")
    command(["report", *map(str, sorted(folder.glob("*.json"))), "-o", str(folder / "report")])
    in_browser(REPORT, next((folder / "report").glob("*.html")), 880, 880)


def self_contained(svg: str) -> str:
    """The SVG with the reader's own fixed-width font, and ids that are the same each time."""
    svg = re.sub(r"@font-face\s*\{.*?\}|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family:\s*Fira Code[^;]*;", f"font-family: {FONT};", svg)
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    if "url(http" in svg or "Fira" in svg:
        raise RuntimeError("this picture asks another host for its letters; has textual changed how it writes SVG?")
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


IN_BROWSER = {PAGE: page_shot, SHEET: sheet_shot, REPORT: report_shot}


def main() -> None:
    os.environ.pop("NO_COLOR", None)
    sys.path.insert(0, str(HERE.parent / "tests"))
    for name in sys.argv[1:] or (*SHOTS, LAB, *IN_BROWSER):
        if name in IN_BROWSER:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # it may still write its profile
                IN_BROWSER[name](Path(folder))
            print(f"{name}.png")
            continue
        asyncio.run(lab_shot() if name == LAB else shot(name))
        print(f"{name}.svg")


if __name__ == "__main__":
    main()
