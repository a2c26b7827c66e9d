"""backprop-tutor: backpropagation in the terminal, one chain-rule step at a time.

From Python: `load`, `loads`, `network` and `circuit` make a `Lesson`; from it come its `Trace`, each `Step`, training,
gradient checks and grades (docs/api.md, the contract). The names are loaded when they are first used, so that
`import tutor` costs nothing. Everything else in this package may change.
"""

TYPE_CHECKING = False  # typing's own would be most of what `import tutor` costs; type checkers know the name
if TYPE_CHECKING:
    from tutor.api.grades import Verdict
    from tutor.api.lessons import Lesson, Score, Training
    from tutor.api.opening import circuit, load, loads, network
    from tutor.api.solutions import Diagnosis, assert_right, diagnose
    from tutor.api.steps import GradientCheck, Step, Trace
    from tutor.engine.trace import NoSuchStep
    from tutor.lessonfiles.positions import LessonError

__version__ = "0.1.0"

__all__ = [
    "Diagnosis",
    "GradientCheck",
    "Lesson",
    "LessonError",
    "NoSuchStep",
    "Score",
    "Step",
    "Trace",
    "Training",
    "Verdict",
    "assert_right",
    "circuit",
    "diagnose",
    "load",
    "loads",
    "network",
]

_FROM = {
    "tutor.api.grades": ("Verdict",),
    "tutor.api.lessons": ("Lesson", "Score", "Training"),
    "tutor.api.opening": ("circuit", "load", "loads", "network"),
    "tutor.api.solutions": ("Diagnosis", "assert_right", "diagnose"),
    "tutor.api.steps": ("GradientCheck", "Step", "Trace"),
    "tutor.engine.trace": ("NoSuchStep",),
    "tutor.lessonfiles.positions": ("LessonError",),
}


def __getattr__(name: str) -> object:
    """A public name, loaded when it is first asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'tutor' has no attribute {name!r}")
    from importlib import import_module

    module = next(module for module, names in _FROM.items() if name in names)
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
