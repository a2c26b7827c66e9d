"""Bad lesson files: every problem at once, at its line and column, and never a traceback."""

# ruff: noqa: E501 (a table reads best with one row a line)

import os
import re
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from each import each
from test_lesson import CIRCUIT, NETWORK, SMALL
from tutor.engine.lesson import Lesson, Training
from tutor.lessonfiles.check import examine
from tutor.lessonfiles.decimal_commas import with_points
from tutor.lessonfiles.faults import MAX_FAULTS
from tutor.lessonfiles.positions import LessonError, Problem
from tutor.lessonfiles.reading.lesson import read
from tutor.text.output import FORBIDDEN


@pytest.fixture
def load(tmp_path):
    def load(text: str | bytes, name: str = "01-bad.toml"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        lesson, problems, _ = read(path)
        return lesson, problems

    return load


@pytest.fixture
def only(load):
    """The single problem of a text, as (line, column, message and advice); it renders with the culprit's line."""

    def only(text: str | bytes, severity: str = "error") -> tuple[int, int, str]:
        _, problems = load(text)
        assert len(problems) == 1, "\n".join(map(str, problems))
        (problem,) = problems
        assert problem.severity == severity
        return problem.line, problem.column, f"{problem.message} | {problem.advice}"

    return only


TRAIN = SMALL + "[training]\n"
BINARY = SMALL.replace("squared_error", "binary_cross_entropy").replace(
    "units = 1", 'units = 1\nactivation = "sigmoid"'
).replace("[3]", "[1]")  # fmt: skip
CLASSES = SMALL.replace("squared_error", "cross_entropy").replace("units = 1", 'units = 3\nactivation = "softmax"').replace(
    "targets = [3]", "target = 1"
)  # fmt: skip
TWO_LAYERS = SMALL.replace("[[examples]]", "[[network.layers]]\nunits = 1\nweights = [[1]]\n[[examples]]")

ASKED = 'ask = "How many?"\nanswer = 9'
ASK = SMALL + "[[questions]]\n" + ASKED + "\n"

# name, the valid text, what is replaced, by what, line, column, words
CASES = [
    ("no format", SMALL, "format = 1\n", "", 1, 1, ["format is missing"]),
    ("other format", SMALL, "format = 1", "format = 2", 1, 10, ["this tutor reads format 1"]),
    ("format is text", SMALL, "format = 1", 'format = "1"', 1, 10, ["format must be 1"]),
    ("no title", SMALL, 'title = "Small"\n', "", 1, 1, ["title is missing"]),
    ("empty title", SMALL, '"Small"', '" "', 2, 9, ["title is empty"]),
    ("title is a number", SMALL, '"Small"', "3", 2, 9, ["title must be text in quotes, not 3"]),
    ("title is a date", SMALL, '"Small"', "1979-05-27", 2, 9, ["not a date"]),
    ("unknown key", SMALL, "title", 'sumary = "x"\ntitle', 2, 1, ["unknown key 'sumary'", "did you mean 'summary'?"]),
    ("misspelt required key", SMALL, "title", "titel", 2, 1, ["did you mean 'title'?"]),
    ("misspelt table", SMALL, "[network]", "[netwrok]", 3, 1, ["did you mean 'network'?"]),
    ("nothing near", SMALL, "loss =", "qqqq = 1\nloss =", 5, 1, ["unknown key 'qqqq' in [network]", "known here: inputs"]),
    ("wrong table", SMALL, "loss =", "learning_rate = 1\nloss =", 5, 1, ["belongs in [training]"]),
    ("after a table", SMALL, "loss =", 'intro = "x"\nloss =', 5, 1, ["belongs at the top of the file"]),
    ("misplaced required", SMALL, 'loss = "squared_error"\n[[network.layers]]\n',
     '[[network.layers]]\nloss = "squared_error"\n', 6, 1, ["belongs in [network]"]),
    ("misspelt as another table's key", SMALL, "units =", "unit =", 7, 1, ["unknown key 'unit'", "did you mean 'units'?"]),
    ("another table's key, too", SMALL, "units =", "unit = 1\nunits =", 7, 1, ["belongs at the top of the file"]),
    ("inputs outside the circuit", CIRCUIT, "[circuit.inputs]", "[inputs]", 7, 1, ["inputs belongs in [circuit]: write [circuit.inputs]"]),
    ("one bracket, once", SMALL, "[[examples]]", "[examples]", 8, 1, ["write [[examples]], with two brackets"]),
    ("not planned yet", SMALL, "[[examples]]", "[data]\nfile = true\n[[examples]]", 8, 1, ["unknown key 'data'"]),
    ("level", SMALL, "[network]", 'level = "skalar"\n[network]', 3, 9, ["unknown level 'skalar': did you mean 'scalar'?"]),
    ("notation", SMALL, "[network]", 'notation = "P"\n[network]', 3, 12, ["notation is one of: dz, nabla"]),
    ("requires itself", SMALL, "[network]", 'requires = ["a", "bad"]\n[network]', 3, 18, ["cannot require itself"]),
    ("requires twice", SMALL, "[network]", 'requires = ["a", "a"]\n[network]', 3, 18, ["'a' is listed twice in requires"]),
    ("requires no id", SMALL, "[network]", 'requires = ["01-gates"]\n[network]', 3, 13, ["no lesson id", "gates"]),
    ("requires a path", SMALL, "[network]", 'requires = ["a/b"]\n[network]', 3, 13, ["no lesson id"]),
    # control characters
    ("escape", SMALL, "Small", r"Sm\u001b[31mall", 2, 12, ["title contains", "U+001B"]),
    ("bell", SMALL, "Small", r"Small\u0007", 2, 15, ["U+0007"]),
    ("C1", SMALL, "Small", "\u009bx", 2, 10, ["U+009B"]),
    ("bidi", SMALL, "Small", "a\u202eb", 2, 11, ["U+202E", "right-to-left override"]),
    ("zero width", SMALL, "Small", "a\u200bb", 2, 11, ["U+200B"]),
    ("line separator", SMALL, "Small", r"a\u2028b", 2, 11, ["U+2028"]),
    ("in a name", SMALL, "inputs = 2", r'inputs = ["a\u0000", "b"]', 4, 13, ["U+0000"]),
    ("in a choice", SMALL, "squared_error", r"squared_error\u001b", 5, 22, ["U+001B"]),
    # the network
    ("neither", SMALL, SMALL[SMALL.index("[network]") :], "", 1, 1, ["needs a [network] or a [circuit]"]),
    ("both", SMALL, "[[examples]]", '[circuit]\ndefine = ["f = x"]\noutput = "f"\ninputs = {x = 1}\n[[examples]]',
     8, 1, ["a [network] or a [circuit], not both"]),
    ("network is a list", SMALL, SMALL[SMALL.index("[network]") :], "network = [1]", 3, 11, ["[network] must be a table"]),
    ("no loss", SMALL, 'loss = "squared_error"\n', "", 3, 1, ["loss is missing in [network]"]),
    ("loss", SMALL, "squared_error", "squared_eror", 5, 8, ["unknown loss 'squared_eror': did you mean 'squared_error'?"]),
    ("no inputs", SMALL, "inputs = 2\n", "", 3, 1, ["inputs is missing in [network]"]),
    ("inputs 0", SMALL, "inputs = 2", "inputs = 0", 4, 10, ["at least 1"]),
    ("inputs true", SMALL, "inputs = 2", "inputs = true", 4, 10, ["a list of names or a whole number, not true"]),
    ("no layers", SMALL, "[[network.layers]]\nunits = 1\n", "", 3, 1, ["layers is missing in [network]"]),
    ("empty layers", SMALL, "[[network.layers]]\nunits = 1\n", "layers = []\n", 6, 10, ["layers is empty"]),
    ("no units", SMALL, "units = 1\n", "", 6, 1, ["units is missing in layer 1"]),
    ("units 1.0", SMALL, "units = 1", "units = 1.0", 7, 9, ["units of layer 1 must be a whole number or a list of names, not 1.0"]),
    ("units -3", SMALL, "units = 1", "units = -3", 7, 9, ["at least 1", "not -3"]),
    ("duplicate inputs", SMALL, "inputs = 2", 'inputs = ["a", "a"]', 4, 16, ["'a' is listed twice"]),
    ("duplicate units", SMALL, "units = 1\n[[examples]]\ninputs = [1, 2]\ntargets = [3]",
     'units = ["u", "u"]\n[[examples]]\ninputs = [1, 2]\ntargets = [3, 4]', 7, 15, ["'u' is listed twice in units of layer 1"]),
    ("bracket in a name", SMALL, "units = 1", 'units = ["a[1]"]', 7, 10, ["'a[1]' cannot be a name", "bracket"]),
    ("at in a name", SMALL, "units = 1", 'units = ["a@b"]', 7, 10, ["cannot be a name"]),
    ("empty name", SMALL, "units = 1", 'units = [""]', 7, 10, ["cannot be a name"]),
    ("long name", SMALL, "units = 1", f'units = ["{"x" * 33}"]', 7, 10, ["1 to 32"]),
    ("newline in a name", SMALL, "units = 1", r'units = ["a\nb"]', 7, 10, [r"'a\nb' cannot be a name"]),
    ("name is a number", SMALL, "units = 1", "units = [3]", 7, 10, ["units[1] of layer 1 must be text in quotes, not 3"]),
    ("activation", SMALL, "units = 1", 'units = 1\nactivation = "sigmiod"', 8, 14,
     ["unknown activation 'sigmiod': did you mean 'sigmoid'?"]),
    ("misspelt activation does not blame the loss", BINARY, '"sigmoid"', '"sigmiod"', 8, 14, ["did you mean 'sigmoid'?"]),
    ("misspelt key does not blame the loss", BINARY, "activation", "activaton", 8, 1, ["did you mean 'activation'?"]),
    ("softmax inside", TWO_LAYERS, "units = 1\n[[n", 'units = 1\nactivation = "softmax"\n[[n', 8, 14, ["softmax is for the last layer"]),
    ("cross_entropy wants", CLASSES, '"softmax"', '"sigmoid"', 5, 8, ["cross_entropy wants softmax", "layer 1 has sigmoid"]),
    ("binary wants", BINARY, 'activation = "sigmoid"\n', "", 5, 8, ["binary_cross_entropy wants sigmoid", "layer 1 has linear"]),
    ("alpha 1", SMALL, "units = 1", 'units = 1\nactivation = "leaky_relu"\nalpha = 1', 9, 9, ["less than 1, not 1"]),
    ("weights word", SMALL, "units = 1", 'units = 1\nweights = "xaver"', 8, 11, ["did you mean 'xavier'?", "list of rows"]),
    ("weights flat", SMALL, "units = 1", "units = 1\nweights = [1, 2]", 8, 12, ["weights[1] of layer 1 must be a list of numbers, not 1"]),
    ("columns", TWO_LAYERS, "[[1]]", "[[1, 2, 3]]", 10, 11, ["weights of layer 2 has 3 columns; layer 1 has 1 unit"]),
    ("columns of layer 1", SMALL, "units = 1", "units = 1\nweights = [[1, 2, 3]]", 8, 11, ["3 columns; the network has 2 inputs"]),
    ("rows", SMALL, "units = 1", "units = 1\nweights = [[1, 2], [3, 4]]", 8, 11, ["has 2 rows; the layer has 1 unit"]),
    ("ragged", SMALL, "units = 1\n[[examples]]\ninputs = [1, 2]\ntargets = [3]",
     "units = 2\nweights = [[1, 2], [3]]\n[[examples]]\ninputs = [1, 2]\ntargets = [3, 4]", 8, 20,
     ["row 2 of weights of layer 1 has 1 column; the network has 2 inputs"]),
    ("transposed", SMALL, "units = 1", "units = 1\nweights = [[1], [2]]", 8, 11, ["2×1 and should be 1×2", "transposed"]),
    ("no rows", SMALL, "units = 1", "units = 1\nweights = []", 8, 11, ["weights of layer 1 is empty"]),
    ("nan", SMALL, "units = 1", "units = 1\nweights = [[1, nan]]", 8, 16, ["weights[1,2] of layer 1 is nan"]),
    ("inf", SMALL, "units = 1", "units = 1\nweights = [[1e999, 1]]", 8, 13, ["weights[1,1] of layer 1 is inf"]),
    ("true is no number", SMALL, "units = 1", "units = 1\nweights = [[1, true]]", 8, 16, ["must be a number, not true"]),
    ("text is no number", SMALL, "units = 1", 'units = 1\nweights = [["1", 2]]', 8, 13, ["must be a number, not the text '1'"]),
    ("too large for a float", SMALL, "units = 1", f"units = 1\nweights = [[1, {10**400}]]", 8, 16, ["too large"]),
    ("biases", SMALL, "units = 1", "units = 1\nbiases = [1, 2]", 8, 10, ["biases of layer 1 has 2 values; the layer has 1 unit"]),
    ("biases true", SMALL, "units = 1", "units = 1\nbiases = true", 8, 10, ["a list of numbers or a number or false, not true"]),
    ("train_weights", SMALL, "units = 1", "units = 1\ntrain_weights = 1", 8, 17, ["true or false, not 1"]),
    ("units against everything", TWO_LAYERS, "units = 1\n[[n", "units = 2\nweights = [[1, 2]]\nbiases = [1]\n[[n", 8, 11,
     ["weights of layer 1 has 1 row; the layer has 2 units"]),
    # examples
    ("no examples", SMALL, SMALL[SMALL.index("[[examples]]") :], "", 3, 1, ["a network needs examples"]),
    ("empty examples", SMALL, SMALL[SMALL.index("[network]") :],
     "examples = []\n" + SMALL[SMALL.index("[network]") : SMALL.index("[[examples]]")], 3, 12, ["examples is empty"]),
    ("example inputs", SMALL, "[1, 2]", "[1, 2, 3]", 9, 10, ["example 1 has 3 inputs; the network has 2 inputs"]),
    ("example targets", SMALL, "[3]", "[3, 4]", 10, 11, ["example 1 has 2 targets; the network has 1 output"]),
    ("all examples alike", SMALL, "inputs = 2", "inputs = 3\n#", 10, 10, ["example 1 has 2 inputs; the network has 3"]),
    ("input is nan", SMALL, "[1, 2]", "[1, nan]", 9, 14, ["inputs[2] of example 1 is nan"]),
    ("no example inputs", SMALL, "inputs = [1, 2]\n", "", 8, 1, ["inputs is missing in example 1"]),
    ("no targets", SMALL, "targets = [3]\n", "", 8, 1, ["example 1 has no targets"]),
    ("misspelt targets", SMALL, "targets", "tragets", 10, 1, ["did you mean 'targets'?"]),
    ("target and targets", CLASSES, "target = 1", "target = 1\ntargets = [1, 0, 0]", 11, 1, ["has target and targets"]),
    ("target with squares", SMALL, "targets = [3]", "target = 1", 10, 1, ["goes with cross_entropy; the loss is squared_error"]),
    ("target 0", CLASSES, "target = 1", "target = 0", 11, 10, ["target of example 1 must be at least 1"]),
    ("target 4", CLASSES, "target = 1", "target = 4", 11, 10, ["class 4; the network has 3 outputs"]),
    ("target 1.0", CLASSES, "target = 1", "target = 1.0", 11, 10, ["a whole number, not 1.0"]),
    ("binary targets", BINARY, "[1]", "[1.5]", 11, 12, ["targets[1] of example 1 is 1.5", "0 to 1"]),
    ("sum", CLASSES, "target = 1", "targets = [0.5, 0.5, 0.25]", 11, 11, ["sum to 1.25; cross_entropy wants 1"]),
    ("sum overflows", CLASSES, "target = 1", "targets = [1e308, 1e308, 1e308]", 11, 11, ["sum to inf; cross_entropy wants 1"]),
    ("negative", CLASSES, "target = 1", "targets = [-0.5, 0.5, 1]", 11, 12, ["is -0.5: a probability is not negative"]),
    # memory
    ("many units", SMALL, "units = 1\n", "units = 9999999\n", 7, 9, ["29,999,997 parameters; 10,000,000"]),
    ("more units", SMALL, "units = 1\n", "units = 10000001\n", 7, 9, ["at most 10,000,000"]),
    ("huge units", SMALL, "units = 1\n", f"units = 0x{'f' * 5000}\n", 7, 9, ["too large"]),
    ("many inputs", SMALL, "inputs = 2", "inputs = 10000000\n#", 8, 9, ["10,000,001 parameters"]),
    # training
    ("learning rate", TRAIN, "[training]", "[training]\nlearning_rate = 0", 12, 17, ["must be greater than 0, not 0"]),
    ("learning rate nan", TRAIN, "[training]", "[training]\nlearning_rate = nan", 12, 17, ["finite"]),
    ("learning rate true", TRAIN, "[training]", "[training]\nlearning_rate = true", 12, 17, ["must be a number, not true"]),
    ("optimizer", TRAIN, "[training]", '[training]\noptimizer = "adan"', 12, 13, ["did you mean 'adam'?"]),
    ("batch 0", TRAIN, "[training]", "[training]\nbatch = 0", 12, 9, ["batch must be at least 1"]),
    ("batch word", TRAIN, "[training]", '[training]\nbatch = "al"', 12, 9, ["did you mean 'all'?", "whole number"]),
    ("batch 1.5", TRAIN, "[training]", "[training]\nbatch = 1.5", 12, 9, ['batch must be a whole number or "all", not 1.5']),
    ("order", TRAIN, "[training]", '[training]\norder = "shuffle"', 12, 9, ["did you mean 'shuffled'?"]),
    ("seed -1", TRAIN, "[training]", "[training]\nseed = -1", 12, 8, ["seed must be at least 0"]),
    ("seed 2**63", TRAIN, "[training]", f"[training]\nseed = {2**63}", 12, 8, ["seed is too large"]),
    ("seed 1.5", TRAIN, "[training]", "[training]\nseed = 1.5", 12, 8, ["whole number"]),
    ("l2", TRAIN, "[training]", "[training]\nl2 = -1", 12, 6, ["l2 must be at least 0"]),
    ("momentum 1", TRAIN, "[training]", '[training]\noptimizer = "momentum"\nmomentum = 1', 13, 12, ["less than 1"]),
    ("beta2 -1", TRAIN, "[training]", '[training]\noptimizer = "adam"\nbeta2 = -1', 13, 9, ["at least 0 and less than 1"]),
    ("epsilon", TRAIN, "[training]", '[training]\noptimizer = "adam"\nepsilon = -1', 13, 11, ["at least 0"]),
    ("weight_decay", TRAIN, "[training]", '[training]\noptimizer = "adamw"\nweight_decay = -1', 13, 16, ["at least 0"]),
    ("unused momentum", TRAIN, "[training]", "[training]\nmomentum = 0.5", 12, 1,
     ['momentum is not used by the optimizer "sgd"', '"momentum" or "nesterov"']),
    ("unused beta", TRAIN, "[training]", '[training]\noptimizer = "nesterov"\nbeta1 = 0.5', 13, 1, ['"adam" or "adamw"']),
    ("unused decay", TRAIN, "[training]", '[training]\noptimizer = "adam"\nweight_decay = 0.5', 13, 1, ['optimizer = "adamw"']),
    ("optimizer unknown, momentum given", TRAIN, "[training]", '[training]\noptimizer = "mometum"\nmomentum = 0.5', 12, 13,
     ["did you mean 'momentum'?"]),
    # notes
    ("note without text", SMALL, "[[examples]]", '[[notes]]\nstep = "L"\n[[examples]]', 8, 1, ["text is missing in note 1"]),
    ("note with an empty step", SMALL, "[[examples]]", '[[notes]]\nstep = ""\ntext = "x"\n[[examples]]', 9, 8, ["step of note 1 is empty"]),
    ("notes is a table", SMALL, "[[examples]]", '[notes]\nstep = "L"\n[[examples]]', 8, 1, ["notes must be a list of tables, not a table"]),
    # quiz and questions
    ("unknown key of the quiz", SMALL, "[[examples]]", "[quiz]\nskip = true\n[[examples]]", 9, 1, ["unknown key 'skip' in [quiz]", "steps"]),
    ("quiz steps", SMALL, "[[examples]]", '[quiz]\nsteps = "L"\n[[examples]]', 9, 9, ["steps must be a list of texts"]),
    ("a quiz step twice", SMALL, "[[examples]]", '[quiz]\nsteps = ["L", "z1", "L"]\n[[examples]]', 9, 21, ["'L' is listed twice"]),
    ("a quiz step is a number", SMALL, "[[examples]]", '[quiz]\nsteps = ["L", 1]\n[[examples]]', 9, 15, ["text in quotes, not 1"]),
    ("questions is a table", SMALL, "[[examples]]", '[questions]\nstep = "L"\n[[examples]]', 8, 1, ["must be a list of tables"]),
    ("steps outside", SMALL, "[[examples]]", '[training]\nsteps = ["L"]\n[[examples]]', 9, 1, ["belongs in [quiz]"]),
    ("digits outside", SMALL, "[[examples]]", "[training]\ndigits = 3\n[[examples]]", 9, 1, ["belongs in [[questions]]"]),
    ("no step", ASK, ASKED, "digits = 3", 11, 1, ["question 1 has no step and no ask"]),
    ("misspelt ask", ASK, "ask", "aks", 12, 1, ["unknown key 'aks' in question 1", "did you mean 'ask'?"]),
    ("empty ask", ASK, '"How many?"', '" "', 12, 7, ["ask of question 1 is empty"]),
    ("no answer", ASK, "answer = 9", "", 11, 1, ["question 1 has no answer"]),
    ("answer is a list", ASK, "answer = 9", "answer = [9]", 13, 10, ["question 1 has one answer, a number"]),
    ("answer of a step", ASK, 'ask = "How many?"', 'step = "L"', 13, 1, ["is computed", "ask"]),
    ("kind", ASK, "answer = 9", 'answer = 9\nkind = "nummer"', 14, 8, ["unknown kind of question 1 'nummer'", "did you mean 'number'?"]),
    ("kind of a step with ask", ASK, "answer = 9", 'answer = 9\nkind = "shape"', 14, 8, ["kind 'shape' asks about a step", '"number"']),
    ("number without ask", ASK, ASKED, 'step = "L"\nkind = "number"', 13, 8, ["kind 'number' needs ask"]),
    ("text for a number", ASK, "answer = 9", 'answer = "nine"', 13, 10, ["answer of question 1 must be a number"]),
    ("digits 0", ASK, "answer = 9", "answer = 9\ndigits = 0", 14, 10, ["digits of question 1 must be at least 1"]),
    ("digits 99", ASK, "answer = 9", "answer = 9\ndigits = 99", 14, 10, ["at most 12"]),
    ("choices of a step", ASK, ASKED, 'step = "L"\nchoices = ["a", "b"]', 13, 1, ["choices go with ask"]),
    ("choices of a number", ASK, "answer = 9", 'answer = 9\nkind = "number"\nchoices = ["a", "b"]', 15, 1, ["choices go with ask"]),
    ("no choices", ASK, "answer = 9", 'answer = 1\nkind = "choice"', 11, 1, ["nothing to choose from"]),
    ("one choice", ASK, "answer = 9", 'answer = 1\nchoices = ["a"]', 14, 11, ["choices of question 1 needs at least 2"]),
    ("the same choice twice", ASK, "answer = 9", 'answer = 1\nchoices = ["a", "a"]', 14, 17, ["'a' is listed twice"]),
    ("choice 0", ASK, "answer = 9", 'answer = 0\nchoices = ["a", "b"]', 13, 10, ["no choice: 0", "1 to 2"]),
    ("choice 1.5", ASK, "answer = 9", 'answer = 1.5\nchoices = ["a", "b"]', 13, 10, ["no choice: 1.5"]),
    ("a text that is no choice", ASK, "answer = 9", 'answer = "riht"\nchoices = ["left", "right"]', 13, 10, ["did you mean 'right'?"]),
    ("control character in a choice", ASK, "answer = 9", 'answer = 1\nchoices = ["a", "\\u001b"]', 14, 18, ["U+001B"]),
    ("control character in a hint", ASK, "answer = 9", 'answer = 9\nhints = ["\\u202e"]', 14, 11, ["U+202E"]),
    ("empty hint", ASK, "answer = 9", 'answer = 9\nhints = [""]', 14, 10, ["hints[1] of question 1 is empty"]),
    ("wrong without words", ASK, "answer = 9", "answer = 9\nwrong = [{answer = 1}]", 14, 10, ["says is missing"]),
    ("wrong is right", ASK, "answer = 9", 'answer = 9\nwrong = [{answer = 1, says = "a"}, {answer = 9, says = "b"}]', 14, 46,
     ["wrong answer 2 of question 1 is the right answer"]),
    ("wrong choice is right", ASK, "answer = 9", 'answer = "a"\nchoices = ["a", "b"]\nwrong = [{answer = 1, says = "x"}]', 15, 20,
     ["wrong answer 1 of question 1 is the right answer"]),
    ("wrong text for a value", ASK, ASKED, 'step = "L"\nwrong = [{answer = "a", says = "x"}]', 13, 20, ["must be a number, not the text 'a'"]),
    ("wrong is nan", ASK, ASKED, 'step = "L"\nwrong = [{answer = nan, says = "x"}]', 13, 20, ["finite"]),
    # circuits
    ("no define", CIRCUIT, 'define = ["q = x + y", "f = q * z"]\n', "", 4, 1, ["define is missing in [circuit]"]),
    ("no output", CIRCUIT, 'output = "f"\n', "", 4, 1, ["output is missing"]),
    ("output", CIRCUIT, 'output = "f"', 'output = "ff"', 6, 10, ["'ff' is not defined: did you mean 'f'?"]),
    ("output is an input", CIRCUIT, 'output = "f"', 'output = "x"', 6, 10, ["'x' is an input", "defined are: q, f"]),
    ("unknown name", CIRCUIT, "x + y", "x + yy", 5, 20, ["unknown name 'yy': did you mean 'y'?"]),
    ("used too early", CIRCUIT, "x + y", "x + f", 5, 20, ["'f' is used before it is defined"]),
    ("by itself", CIRCUIT, "x + y", "x + q", 5, 20, ["'q' is defined by itself"]),
    ("defined twice", CIRCUIT, "f = q * z", "f = q * z\", \"q = x", 5, 38, ["'q' is defined already, by define[1]"]),
    ("redefined input", CIRCUIT, "q = x + y", "q = x + y\", \"x = y", 5, 25, ["'x' is an input"]),
    ("function as a name", CIRCUIT, "q = x + y", "q = x + y\", \"exp = y", 5, 25, ["'exp' is a function"]),
    ("function as an input", CIRCUIT, "z = -4", "z = -4\nmax = 1", 11, 1, ["'max' is a function"]),
    ("no identifier", CIRCUIT, "q = x + y", "q = x + y\", \" 2a = y", 5, 26, ["'2a' cannot be a name"]),
    ("input no identifier", CIRCUIT, "z = -4", 'z = -4\n"a b" = 1', 11, 1, ["'a b' cannot be a name"]),
    ("no equals", CIRCUIT, "q = x + y", "q = x + y\", \"x + y", 5, 24, ["define[2] is no definition", "name = formula"]),
    ("formula ends", CIRCUIT, "x + y", "x + ", 5, 19, ["missing at the end"]),
    ("formula sign", CIRCUIT, "x + y", "x + y $ 2", 5, 22, ["'$' means nothing"]),
    ("after an escape", CIRCUIT, '"q = x + y"', r'"q\t= x + \u0079 $"', 5, 28, ["'$' means nothing"]),
    ("unknown function", CIRCUIT, "x + y", "x + sigmod(y)", 5, 20, ["unknown function 'sigmod': did you mean 'sigmoid'?"]),
    ("python", CIRCUIT, "x + y", "x + __import__('os')", 5, 31, ["means nothing"]),
    ("input inf", CIRCUIT, "x = -2", "x = inf", 8, 5, ["the input 'x' is inf"]),
    ("input text", CIRCUIT, "x = -2", 'x = "2"', 8, 5, ["the input 'x' must be a number, not the text '2'"]),
    ("no circuit inputs", CIRCUIT, CIRCUIT[CIRCUIT.index("[circuit.inputs]") :], "", 4, 1, ["inputs is missing"]),
    ("circuit with examples", CIRCUIT, "[circuit.inputs]", "[[examples]]\ninputs = [1]\n[circuit.inputs]", 8, 1,
     ["'inputs' goes with a [network]", "such as X = [1, 2]"]),
    ("circuit with a batch", CIRCUIT, "z = -4", "z = -4\n[training]\nbatch = 2", 12, 1, ["batch means nothing for a circuit"]),
    ("circuit with an order", CIRCUIT, "z = -4", 'z = -4\n[training]\norder = "random"', 12, 1, ["order means nothing"]),
    ("circuit with l2", CIRCUIT, "z = -4", "z = -4\n[training]\nl2 = 0.1", 12, 1, ["l2 means nothing"]),
    # TOML
    ("value", SMALL, "inputs = 2", "inputs = two", 4, 10, ["not valid TOML: invalid value"]),
    ("twice", SMALL, "inputs = 2", "inputs = 2\ninputs = 3", 5, 11, ["cannot overwrite a value", "once"]),
    ("table twice", SMALL, "[[examples]]", "[network]\n[[examples]]", 8, 9, ["[network] twice"]),
    ("open string", SMALL, '"Small"', '"Small', 2, 9, ["text that begins here is not ended on this line"]),
    ("open list", SMALL, "[3]", "[3", 10, 13, ["unclosed array"]),
    ("raw escape", SMALL, "Small", "S\x1bm", 2, 11, ["not valid TOML"]),
    ("giant integer", SMALL, "[1, 2]", f"[1, {'9' * 5000}]", 9, 14, ["4,000 digits"]),
    ("deep", SMALL, "[1, 2]", "[" * 5000 + "]" * 5000, 9, 60, ["nested too deep"]),
    ("dotted key", SMALL, "title", ".".join("a" * 200000) + " = 1\ntitle", 2, 1, ["dotted parts"]),
]  # fmt: skip


@each("text, old, new, line, column, words", [case[1:] for case in CASES])
def test_one_problem(only, text, old, new, line, column, words):
    assert old in text
    found_line, found_column, message = only(text.replace(old, new, 1))
    assert (found_line, found_column) == (line, column), message
    for word in words:
        assert word in message


def test_warnings_leave_the_lesson_usable(load, only):
    text = TRAIN.replace("[training]", "[training]\nbatch = 7")
    line, column, message = only(text, "warning")
    assert (line, column) == (12, 9) and "1 example: it uses all 1" in message
    text = SMALL.replace("units = 1", "units = 1\nalpha = 0.5")
    line, column, message = only(text, "warning")
    assert (line, column) == (8, 1) and "linear has no slope" in message
    lesson, (problem,) = load(text)
    assert lesson.network.layers[0].alpha == 0.5
    assert "bad.toml:8:1: warning: alpha" in problem.render()


@pytest.mark.parametrize("question, column, words", [
    ('step = "L"\nkind = "next"\ndigits = 3', 1, ["digits of question 1 are not used"]),
    ('step = "L"\nkind = "formula"\nwrong = [{answer = 1, says = "x"}]', 1, ["wrong answers of question 1 are not used", "direction"]),
])  # fmt: skip
def test_what_a_kind_of_question_does_not_use_is_a_warning(only, load, question, column, words):
    text = ASK.replace(ASKED, question)
    line, found, message = only(text, "warning")
    assert (line, found) == (14, column)
    for word in words:
        assert word in message
    assert len(load(text)[0].questions) == 1


def test_every_bad_question_is_told_of(load):
    lesson, problems = load(
        ASK + '[[questions]]\nkind = "paths"\n[[questions]]\nstep = "L"\nanswer = 2\n' + ASK[len(SMALL) :]
    )
    assert [(p.line, p.column) for p in problems] == [(14, 1), (18, 1)]
    assert [question.at for question in lesson.questions] == [0, 3]


MANY = r"""format = 1
level = "skalar"
[network]
inputs = ["a", "b"]
loss = "squared_eror"
[[network.layers]]
units = 3
weights = [[1, 2], [3, 4, 5], [nan, true]]
activaton = "sigmoid"
[[network.layers]]
units = ["o"]
weights = [[1, 2]]
biases = true
[[examples]]
inputs = [1]
targets = [1, 2]
[training]
learning_rate = -1
momentum = 0.5
batches = 3
[[notes]]
step = "L"
text = "a\u001b[31m"
[[notes]]
step = "dL/dz1"
text = "fine"
"""


def test_all_problems_at_once_in_order(load):
    lesson, problems = load(MANY)
    assert [(p.line, p.column) for p in problems] == [
        (1, 1), (2, 9), (5, 8), (8, 32), (8, 37), (9, 1), (12, 11), (13, 10), (15, 10), (16, 11), (18, 17), (19, 1), (20, 1),
        (23, 10),
    ]  # fmt: skip
    assert problems == load(MANY)[1]
    # what is left of it is enough to ask for steps
    assert [layer.units for layer in lesson.network.layers] == [3, 1]
    assert lesson.network.layers[0].weights == "xavier" and lesson.training == Training()
    assert lesson.inputs.shape == (1, 2) and lesson.targets.shape == (1, 1)
    assert [(note.step, note.at) for note in lesson.notes] == [("dL/dz1", 1)]


def test_a_circuit_reports_all_its_formulas(load):
    define = '["q = u + v", \'f = qq * (z\', "f = 2", "r = 2 +"]'
    lesson, problems = load(CIRCUIT.replace('["q = x + y", "f = q * z"]', define))
    assert lesson is None
    assert [p.column for p in problems] == [16, 20, 29, 36, 40, 56]
    assert [p.message.split("'")[1] for p in problems[:3]] == ["u", "v", "qq"]


@pytest.mark.parametrize("old, new", [
    ("units = 1", "units = 0"), ("inputs = 2", "inputs = -1"), ("units = 1", "units = 9999999"), ("[network]", "[nets]"),
])  # fmt: skip
def test_no_skeleton_no_lesson(load, old, new):
    lesson, problems = load(SMALL.replace(old, new))
    assert lesson is None and problems


def test_the_same_mistake_in_every_example_is_one_problem(only):
    rows = "[[examples]]\ninputs = [1, 2]\ntargets = [3]\n" * 5
    line, _, message = only(SMALL.replace("inputs = 2", "inputs = 3") + rows)
    assert line == 9 and "every example has 2 inputs; the network has 3 inputs" in message
    line, _, message = only((SMALL + rows).replace("targets = [3]", "target = 1"))
    assert line == 10 and "cross_entropy" in message


def test_more_problems_than_anybody_reads_are_cut(load):
    lesson, problems = load(SMALL + "".join(f"key{i} = 1\n" for i in range(50_000)))
    assert lesson is None and len(problems) == MAX_FAULTS + 1
    assert "more problems" in problems[-1].message


def test_memory_is_refused_before_it_is_taken(load):
    rows = "[[examples]]\ninputs = [1]\ntarget = 1\n" * 20
    text = 'format = 1\ntitle = "t"\n[network]\ninputs = 1\nloss = "cross_entropy"\n[[network.layers]]\nunits = 4_000_000\n'
    lesson, problems = load(text + 'activation = "softmax"\n' + rows)
    assert lesson is None and [p.message for p in problems] == [
        "20 examples are too many for layers of 4,000,000 units"
    ]
    # inputs that do not fit are not padded to a size that does not fit either
    lesson, problems = load(text.replace("inputs = 1", "inputs = 9_000_000").replace("4_000_000", "1") + rows)
    assert lesson is None and problems


def test_nothing_is_executed(load, tmp_path):
    mark = tmp_path / "mark"
    code = f"__import__('pathlib').Path('{mark}').touch()"
    for text in (
        CIRCUIT.replace("x + y", code), CIRCUIT.replace("f = q", f"{code} = q"), SMALL.replace("Small", code),
        SMALL.replace("[1, 2]", f'["{code}"]'), SMALL.replace("inputs = 2", f'inputs = ["{code}", "{{{code}}}"]'),
    ):  # fmt: skip
        load(text)
    assert not mark.exists()


# ---------------------------------------------------------------- the file itself


@pytest.mark.parametrize("data, line, column, words", [
    (b"", 1, 1, "empty"),
    (b" \n\t\n", 1, 1, "empty"),
    (b"\xef\xbb\xbf", 1, 1, "empty"),
    (b"\x89PNG\r\n\x1a\n\0\0", 3, 1, "binary: a NUL byte at offset 8"),
    (b"format = 1\ntitle = '\xc3\xbc\xff'\n", 2, 11, "not UTF-8: the byte 0xff at offset 22"),
    ("format = 1".encode("utf-16"), 1, 1, "UTF-16"),
    (b"format = 1\n" + b"#" * 4 * 2**20, 1, 1, "larger than 4 MiB"),
])  # fmt: skip
def test_files_that_are_no_text(load, data, line, column, words):
    lesson, (problem,) = load(data)
    assert lesson is None and (problem.line, problem.column) == (line, column) and words in problem.message


def test_paths_that_are_no_lesson_files(tmp_path):
    os.symlink("loop.toml", tmp_path / "loop.toml")
    for path, words in (
        (tmp_path, "folder"), (tmp_path / "none.toml", "no such file"), (tmp_path / "loop.toml", "cannot read"),
        (tmp_path / ("x" * 300), "cannot read"), ("a\0b", "cannot read"),
    ):  # fmt: skip
        lesson, (problem,), source = read(path)
        assert lesson is None and source is None and words in problem.message


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_pipes_and_devices_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", "/dev/zero", "/dev/null"):
        _, (problem,), _ = read(path)
        assert "not a regular file" in problem.message


# ---------------------------------------------------------------- how a problem is shown


def test_a_problem_is_shown_with_its_line_and_a_caret():
    problem = Problem("a.toml", 3, 11, "it is wrong", "make it right", 'activity = "x"')
    assert problem.render().splitlines() == [
        "a.toml:3:11: it is wrong", '    activity = "x"', "              ^", "  make it right"
    ]  # fmt: skip
    assert str(LessonError([problem, problem])) == f"{problem}\n{problem}"


@pytest.mark.parametrize("line, column, shown, before", [
    ("\x1b[2Jx", 5, "\\x1b[2Jx", 7),
    ("\tkey = 1", 2, "key = 1", 0),
    ("a\tb", 3, "a    b", 5),
    ("漢字 = 1", 4, "漢字 = 1", 5),
    ("y\u0302 = 1", 4, "y\u0302 = 1", 2),
    ("a\u202eb", 3, "a\\u202eb", 7),
    ("ab", 3, "ab", 2),
    ("ab", 99, "ab", 2),
])  # fmt: skip
def test_the_caret_stands_under_the_column(line, column, shown, before):
    _, text, caret = Problem("f", 1, column, "m", "", line).render().splitlines()
    assert (text, caret) == ("    " + shown, "    " + " " * before + "^")


def test_a_long_line_is_shown_around_the_caret():
    line = "x" * 3_000_000 + "Y" + "z" * 1_000_000
    _, text, caret = Problem("f", 1, 3_000_001, "m", "", line).render().splitlines()
    assert len(text) < 110 and text[caret.index("^")] == "Y"
    assert text.strip().startswith("…x") and text.endswith("z…")


@given(st.text(), st.integers(-3, 200), st.text(), st.text(), st.text())
def test_nothing_dangerous_is_shown(line, column, message, advice, path):
    shown = Problem(path, 1, column, message, advice, line.replace("\n", "")).render()
    assert not FORBIDDEN.search(shown) and "\t" not in shown
    assert len(shown.split("\n")) <= 4


# ---------------------------------------------------------------- whatever comes


def _checked(path, data: bytes) -> None:
    path.write_bytes(data)
    lesson, problems, _ = read(path)
    assert lesson is not None or problems
    assert lesson is None or isinstance(lesson, Lesson)
    assert problems == sorted(problems, key=lambda p: (p.line, p.column))
    for problem in problems:
        shown = problem.render()
        assert not FORBIDDEN.search(shown)
        assert re.match(r".*:[1-9]\d*:[1-9]\d*: ", shown)


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.sampled_from([NETWORK, CIRCUIT, SMALL, MANY])
JUNK = st.sampled_from(
    ["nan", "-inf", "true", "[]", "{}", "[[]]", "''", "9" * 30, "0x" + "f" * 300, "1979-05-27", '"\\u0000"', "[1,[2]]", "=",
     '"""', "\x00", "\x1b", "\u202e", "[[", "]]", "[network]", "[[network.layers]]", "{a=1}", ".", "-1", "1e400", "'x\ty'"]
)  # fmt: skip


@FUZZ
@given(text=TEXTS, data=st.data())
def test_mutated_values_never_raise(tmp_path, text, data):
    """Words, numbers and lists of a valid file replaced by others."""
    parts = re.split(r"([\[\],\n]|(?<== )[^\n]+)", text)
    for _ in range(data.draw(st.integers(1, 4))):
        i = data.draw(st.integers(0, len(parts) - 1))
        parts[i] = data.draw(JUNK | st.just(parts[data.draw(st.integers(0, len(parts) - 1))]))
    _checked(tmp_path / "x.toml", "".join(parts).encode())


@FUZZ
@given(text=TEXTS, data=st.data())
def test_mutated_lines_never_raise(tmp_path, text, data):
    """Lines removed, repeated and swapped."""
    lines = text.split("\n")
    for _ in range(data.draw(st.integers(1, 5))):
        i, j = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        match data.draw(st.sampled_from(["remove", "repeat", "swap"])):
            case "remove" if len(lines) > 1:
                del lines[i]
            case "repeat":
                lines.insert(j, lines[i])
            case "swap":
                lines[i], lines[j] = lines[j], lines[i]
    _checked(tmp_path / "x.toml", "\n".join(lines).encode())


@FUZZ
@given(text=TEXTS, data=st.data())
def test_mutated_bytes_never_raise(tmp_path, text, data):
    content = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        i = data.draw(st.integers(0, len(content)))
        content[i : i + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    _checked(tmp_path / "x.toml", bytes(content))


@FUZZ
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_random_files_never_raise(tmp_path, content):
    _checked(tmp_path / "x.toml", content)




@each(
    "written, shape, mended",
    [
        ("[0,5, 1,2]", (2,), "[0.5, 1.2]"), ("[0,5,1,2]", (2,), "[0.5,1.2]"), ("[1,5]", (1,), "[1.5]"),
        ("[-0,5, 3]", (2,), "[-0.5, 3]"), ("[1, 0,5]", (2,), "[1, 0.5]"),
        ("[[0,5, 1,2],\n [0,25, 0,1]]", (2, 2), "[[0.5, 1.2], [0.25, 0.1]]"),
        ("[[0,5, 1,2]]", (None, 2), "[[0.5, 1.2]]"),
        ("[0,5, 1.2]", (2,), ""), ("[1, 2, 3, 4]", (2,), ""), ("[1,2,3]", (2,), ""), ("[0,5, 1,2]", (3,), ""),
        ("[1,2]", (2,), ""),
        ('["a,b"]', (2,), ""), ("[[1,5], [2]]", (2, 1), "[[1.5], [2]]"), ("[[1,5], [2]]", (2, 2), ""), ("", (2,), ""),
    ],
)  # fmt: skip
def test_a_list_reads_with_decimal_commas_where_that_fits(written, shape, mended):
    assert with_points(written, shape) == mended


@pytest.mark.parametrize(
    ("old", "new", "mend"),
    [
        ("inputs = [1, 2]", "inputs = [0,5, 1,25]", "write [0.5, 1.25]"),
        ("targets = [1]", "targets = [1,5]", "write [1.5]"),
        ("targets = [1]", "targets = [1,05]", "write 1.05"),
        ("biases = [0, 0]", "biases = [0,5, -1,5]", "write [0.5, -1.5]"),
        ("weights = [[1, 2], [3, 4]]", "weights = [[0,5, 1,2], [0,25, 0,1]]", "write [[0.5, 1.2], [0.25, 0.1]]"),
        ("weights = [[1, 2], [3, 4]]", "weights = [[0,5, 1,2], [2, 1]]", "write [0.5, 1.2]"),
        ("value = [5, 11]", "value = [0,5, 11,2]", "write [0.5, 11.2]"),
    ],
)
def test_decimal_commas_in_lists_are_told_with_the_mend(old, new, mend, tmp_path):
    text = (
        'format = 1\ntitle = "t"\n[network]\ninputs = 2\nloss = "half_squared_error"\n[[network.layers]]\nunits = 2\n'
        "weights = [[1, 2], [3, 4]]\nbiases = [0, 0]\n[[network.layers]]\nunits = 1\nweights = [[1, 1]]\n"
        "[[examples]]\ninputs = [1, 2]\ntargets = [1]\n"
        '[[expect]]\nstep = "z1"\nvalue = [5, 11]\nsource = "by hand"\n'
    )
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new))
    _, problems = examine(path)
    assert any(mend in problem.advice for problem in problems), problems
