"""The lesson that `backprop-tutor new` writes: small, commented, sound, and worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

from tutor.lessonfiles.file_names import lesson_id
from tutor.text.language import say
from tutor.text.output import FORBIDDEN

_LESSON = r"""# A lesson of backprop-tutor. Change it, and see what it does:
#   backprop-tutor play {name} --watch      shows it, and again each time you save
#   backprop-tutor check {name}             everything that is wrong with it
#   backprop-tutor schema                   the format for editors, which then complete and underline
# docs/lesson-format.md has every key; docs/writing-lessons.md is the way to a good lesson.
format = 1
title = {title}
summary = "One neuron, one update"   # one line for the list of lessons
unit = "My lessons"                  # the heading in that list
level = "scalar"                     # opens at: "story", "scalar" or "matrix"
notation = "dz"                      # or "nabla", "error", "partials", "delta"
requires = []                        # ids of lessons to do before: ["gates"]

# In '''...''' a backslash is a backslash. {{a1}} becomes the name that the learner's notation has for it.
intro = '''
One neuron with two inputs and no activation function: its prediction is {{a1}} = ${{W1}} \cdot {{x}} + {{b1}}$.

At the end you will be able to say by how much each weight is to blame for a wrong prediction.
'''

outro = '''
You can now compute the gradient of a linear neuron: the error {{a1}} − {{y}}, times the input of each weight.
'''

[network]
inputs = ["height", "age"]           # or just how many: inputs = 2
loss = "half_squared_error"

[[network.layers]]                   # one such table a layer, the last is the output
units = 1
activation = "linear"                # or "sigmoid", "tanh", "relu", "leaky_relu"; "softmax" at the output
weights = [[0.5, -0.25]]             # one row a unit, one column an input
biases = [0.1]

[[examples]]                         # or, before the first [table], a file beside this one: examples = "data.csv"
inputs = [2, 1]
targets = [2]

[training]
learning_rate = 0.1

# A note stands beside its step. `backprop-tutor trace {name}` shows the ids of all steps.
[[notes]]
step = "dL/dz1"
text = '''
The error: prediction minus target, $0.85 - 2 = -1.15$. It is negative, so the prediction was too small.
'''

# Asked in predict mode (the key p). About a step: the tutor knows the answer, and the usual mistakes.
[[questions]]
step = "dL/dW1[1,1]"
hints = ["Each weight's share is the error times the input that the weight carries."]

# In your own words: you give the answer, and what to say to a wrong one.
[[questions]]
step = "W1'"
ask = "The gradient of a weight is negative. Which way does the update move the weight?"
choices = ["up", "down", "it stays"]
answer = "up"
wrong = [{{ answer = "down", says = "The update goes against the gradient: minus a negative number is up." }}]

# What must come out, worked out by hand. `check` holds it, to the digits that are written.
[[expect]]
step = "L"
value = 0.66125
source = "by hand: half of 1.15 squared"

[[expect]]
step = "W1'"
value = [[0.73, -0.135]]
source = "by hand: 0.5 + 0.1 · 1.15 · 2 and −0.25 + 0.1 · 1.15 · 1"
"""


_ARRAYS = r"""# A lesson of backprop-tutor about arrays. Change it, and see what it does:
#   backprop-tutor play {name} --watch      shows it, and again each time you save
#   backprop-tutor check {name}             everything that is wrong with it, shapes that do not fit included
# docs/lesson-format.md has every function (softmax, norm, conv ...); docs/writing-lessons.md has worked examples.
format = 1
title = {title}
summary = "One layer over rows of data"
unit = "My lessons"                  # the heading in the list of lessons
level = "matrix"                     # opens at: "story", "scalar" or "matrix"

# In '''...''' a backslash is a backslash. {{dL/dW}} becomes the name that the learner's notation has for it.
intro = '''
Each row of {{X}} is one example. The layer is $Z = X W + b$, where {{b}} is added to every row.

At the end you will be able to say what {{dL/dW}} is, and why the rows of {{dL/dZ}} are added up for {{b}}.
'''

[circuit]
define = [                           # NumPy's rules: @, X.T, sum(X, axis=0), broadcasting
  "Z = X @ W + b",
  "A = relu(Z)",
  "L = mean((A - Y)**2)",
]
output = "L"                         # a single number
parameters = ["W", "b"]              # what an update changes; left out: all inputs that are not data
data = ["Y"]                         # of these no gradient is wanted: targets, masks, ids
# repeat = {{ t = [1, 3] }}          # a line with {{t}} stands for one line each time: "h{{t}} = tanh(Wh @ h{{t-1}})"

[circuit.inputs]
X = [[1, 2],                         # a number, a list of numbers, a list of rows: up to rank 4
     [3, 1]]
W = [[0.5, -1],
     [0.25, 0.5]]
b = [0, 0.5]
Y = [[0.5, 1.5],
     [1.25, 0]]

[training]
learning_rate = 0.1

# A note stands beside its step. `backprop-tutor trace {name}` shows the ids of all steps.
[[notes]]
step = "dL/db"
text = '''
{{b}} was added to both rows, so both send something back: the rows of {{dL/dZ}} are added up.
'''

# Asked in predict mode (the key p). About a step: the tutor knows the answer, and the usual mistakes.
[[questions]]
step = "dL/dW[2,1]"
hints = ["A column of X times a column of the gradient of Z: what the weight carried in each row, by what came back."]

# What must come out, worked out by hand. `check` holds it, to the digits that are written.
[[expect]]
step = "L"
value = 0.375
source = "by hand: (0.25 + 1 + 0.25 + 0) / 4"

[[expect]]
step = "dL/dW"
value = [[1.0, -0.5], [0.75, -1.0]]
source = "by hand: the transpose of X times [[0.25, -0.5], [0.25, 0]]"

[[expect]]
step = "dL/db"
value = [0.5, -0.5]
source = "by hand: 0.25 + 0.25 and -0.5 + 0"
"""


def lesson_text(path: Path, arrays: bool = False) -> str:
    """The text of a new lesson for a file of this name: one neuron, or one layer over arrays."""
    words = FORBIDDEN.sub("", lesson_id(path)).replace("-", " ").replace("_", " ").strip() or say("my lesson")
    name = FORBIDDEN.sub("", path.name).replace("\n", "")
    title = json.dumps(words[:1].upper() + words[1:], ensure_ascii=False)  # a string of JSON is one of TOML
    blocks = map(say, _blocks(_ARRAYS if arrays else _LESSON))
    return "\n\n".join(blocks).format(name=name, title=title) + "\n"


def _blocks(text: str) -> list[str]:
    """The parts between empty lines: each is translated by itself."""
    return text.strip("\n").split("\n\n")


TEXTS = tuple(dict.fromkeys([*_blocks(_LESSON), *_blocks(_ARRAYS)]))  # what there is to translate
