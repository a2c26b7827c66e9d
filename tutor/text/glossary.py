"""The glossary: what the field's terms mean, in a sentence or two. One table, for every front end.

In a definition *another term* stands in asterisks; the tests hold that it is in the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tutor.text.language import say, say_in
from tutor.text.words import capital

if TYPE_CHECKING:  # a term is said without NumPy, which comes with the engine
    from tutor.engine.rules import Rule

_TABLE = """\
accuracy
    The share of examples whose class the network gets right. It says less than the *loss*: a narrow hit and a sure
    one count the same.
activation
    What a *unit* gives on to the next layer: the *activation function* applied to its *pre-activation*.
activation function
    The function that turns a unit's *pre-activation* into its *activation*, such as *sigmoid* or *ReLU*. It must
    not be a straight line, or all layers together could do no more than one.
adam
    An *optimiser* that keeps a running mean of each gradient and of its square, and divides the one by the root of
    the other, so that every parameter takes steps of about the same size.
attention
    Each position asks with a query, is compared with every key, and takes the *mean* of the values, weighted by the
    *softmax* of those comparisons.
axis
    A direction of an array: of a matrix axis 0 goes down the rows, axis 1 along the columns. A sum over an axis makes
    it go away.
backpropagation
    Working out the *gradient* of the loss for every parameter, from the loss back to the inputs, with the *chain
    rule*; each value is computed once and used again. It does not change a parameter: *gradient descent* does.
backpropagation through time
    *Backpropagation* through a *recurrence* that is *unrolled*: the steps in time are layers that share their
    weights, and each weight adds up what comes back from every step.
backward pass
    The half of an *iteration* that goes from the loss back to the first layer and computes a *gradient* for every
    value on the way. It uses what the *forward pass* has kept.
batch
    The examples that one *update* is made from; its gradient is the *mean* of theirs.
batch norm
    *Normalisation* over the *batch*: each feature gets mean 0 and variance 1 over the examples, then a *gain* and a
    *shift* that are learned. Every example then has a part in the gradient of every other.
bias
    The number that a unit adds to the weighted sum of its inputs. It moves the point at which the unit answers.
bias correction
    Dividing a *running mean* that began at 0 by 1 − βᵗ in *update* number t, so that the start does not make it too
    small. It has nothing to do with the *bias* of a unit.
bipolar sigmoid
    The *activation function* 2/(1 + e⁻ᶻ) − 1: a *sigmoid* stretched to go from −1 to 1. It is tanh of z/2.
broadcasting
    An array that lacks an *axis*, or has length 1 along it, is used again and again along it. On the way back the
    gradients of all those uses add up.
causal mask
    A *mask* for *attention* that hides later positions: −∞ above the diagonal, so that *softmax* makes 0 of it.
chain rule
    Multiply the *local derivatives* along a *path*, and add over all paths. All of backpropagation is this rule,
    applied in a good order.
circuit
    A calculation drawn as *gates* joined by wires: each gate has inputs, an output and a *local derivative* for
    each input.
clipping
    Shortening a *gradient* that is longer than some bound to that bound, so that no step throws the weights far
    away.
convergence
    Coming to rest: the updates get smaller because the *gradient* goes to 0. That is at a
    *stationary point*, which need not be a *minimum*.
convolution
    One small *kernel* laid on every place of an input, multiplied number by number and added up. Libraries do not
    flip the kernel; what they do mathematics calls cross-correlation.
cross-entropy
    The *loss* of a classifier: minus the logarithm of the probability that it gives the true class. A sure and
    wrong answer costs a great deal.
dead unit
    A *ReLU* unit whose *pre-activation* is below 0 for every example. Its slope is 0, no gradient gets through, and
    its weights never move again.
decision boundary
    The line or surface where a classifier changes its mind from one class to another. Without a *hidden layer* it
    is straight.
derivative
    How fast a value changes when another one changes: the *slope* of the curve at a point. Of x² it is 2x.
divergence
    The opposite of *convergence*: each step is so long that it lands further off, and the *loss* grows without
    bound. A smaller *learning rate* helps.
dot product
    Two lists of the same length, multiplied number by number and added up. A *pre-activation* is one, plus the
    *bias*.
dropout
    Setting a random part of the values to 0 in training and multiplying the others by 1/(1 − p). The gradient goes
    through the same *mask*.
elementwise product
    Two arrays of the same *shape*, multiplied cell by cell without a sum. It is written ⊙ or ∘.
elu
    An *activation function* that is z above 0 and α(eᶻ − 1) below: like *ReLU*, but it bends smoothly to −α, so that
    no unit dies.
embedding
    A table with one row of numbers for each *token*; the token's number picks its row. A row's gradient adds up over
    all the places where it was picked.
epoch
    One pass over all examples; as many *iterations* as there are *batches*.
error
    The *gradient* of the loss for a unit's *pre-activation*, often written δ. All gradients of that unit's weights
    and of its bias come from it.
example
    One row of the data: the inputs, and the *target* that belongs to them.
exploding gradient
    A *gradient* that grows from layer to layer on the way back, until the updates are useless. It comes of large
    weights.
feature
    One of the numbers that describe an *example*: a column of the data.
finite difference
    The change of a function over a small step, divided by the step: nearly the *derivative*. It needs no calculus,
    so a gradient can be checked with it.
fork
    A place where a value is used more than once. Forward it is copied; backward the gradients of all uses add up.
forward pass
    The half of an *iteration* that goes from the inputs to the *prediction* and the *loss*.
gain
    What a *normalised* value is multiplied by, one learned number a *feature*; the *shift* is what is then added.
gate
    One operation of a *circuit*, such as + or ×. It knows its *local derivatives* and nothing of the rest.
gate of an lstm
    A *sigmoid* between 0 and 1 that is multiplied by a state: how much of it is let through, kept or forgotten.
gelu
    An *activation function*: z times the chance that a normally distributed number is below z, so nearly 0 for
    negative z and nearly z for positive. It is written with *tanh* here; exactly, without it, as gelu_erf.
gradient
    The *partial derivatives* for all variables together. It points where the function grows fastest; it has the
    shape of what it is the gradient of.
gradient check
    Comparing gradients from *backpropagation* with *finite differences*. If they agree to six digits or more, the
    formulas are right.
gradient descent
    Going a small step against the *gradient*, again and again, to make the *loss* smaller.
held-out rows
    Rows of data that training never sees: how a network does on them says what it has learned, and what is
    *overfitting*. They are also called a test set, or a validation set.
hidden layer
    A *layer* between the inputs and the output. It lets a network learn what no straight line can tell apart.
hinge loss
    The *loss* max(0, 1 − yŷ) with a *target* of −1 or 1: nothing to pay for a prediction on the right side that is
    sure enough. At yŷ = 1 its slope jumps.
huber loss
    A *loss* that is ½(y − ŷ)² for small differences and goes on in a straight line from δ: an outlier counts, and
    does not rule.
hyperparameter
    A number that a person chooses and training does not change: the *learning rate*, the number of layers, the size
    of a *batch*.
initialisation
    The choice of the first weights. They are drawn at random, so that the units of a layer differ, and of a size
    that keeps values and gradients in bounds.
iteration
    One *forward pass*, one *backward pass* and one *update*.
jacobian
    The matrix of all *partial derivatives* of a vector for another: one row an output, one column an input.
kernel
    The small array of weights that a *convolution* lays on every place. Being shared by all of them, it gets the sum
    of their gradients.
key
    In *attention* what a position offers to be compared with; a query asks, a value is what is then taken.
layer
    *Units* side by side that have the same inputs. Weights lead from every unit of one layer to every unit of the
    next.
layer norm
    *Normalisation* of each example, or each position, over its own *features*; then a *gain* and a *shift*. It needs
    no *batch*.
leaky relu
    *ReLU* with a small slope, such as 0.01, instead of 0 for what is negative, so that no unit dies.
learning rate
    How far a step of *gradient descent* goes: the *gradient* is multiplied by it. Too large diverges, too small
    takes forever. It is written η.
local derivative
    The *derivative* of one operation for one of its own inputs, as if nothing else existed.
logits
    The numbers before a *softmax*: any size, any sign.
loss
    One number that says how wrong the *prediction* is; 0 or little is good. Training makes it smaller.
lstm
    A *recurrence* with a second state that is carried on by adding, and *sigmoid* gates that say what to forget, to
    add and to show; so gradients vanish less.
mask
    An array of 0 and 1 (or of 0 and −∞ before a *softmax*) that lets some places through and blocks the others,
    forward and back.
matrix product
    Rows times columns: each number of the result is the *dot product* of a row of the first and a column of the
    second. Its gradients are products with a *transpose*.
mean
    The sum divided by how many there are. The loss of a *batch* is the mean of its examples' losses, and its
    gradient the mean of their gradients.
mean squared error
    The *squared error* divided by the number of outputs.
minimum
    A point from which the function grows in every direction. Its *gradient* is 0.
moment
    What Adam keeps of each *gradient*: the first moment is a *running mean* of it, the second one of its square.
momentum
    An *optimiser* that keeps a part of the last step and adds to it, as a ball that rolls downhill does.
network
    *Layers* one after the other: a function with many *parameters*, from the inputs to a *prediction*.
normal distribution
    The bell curve: how numbers are spread that are the sum of many small chances. Around 0, 68 of 100 lie between
    −1 and 1.
normalisation
    Taking off the mean and dividing by the standard deviation √(variance + ε). The mean and the variance depend on
    every value, so each value's gradient does as well.
notation
    The names that a book gives the same quantities: δ, dZ or ∇ₐL. No value changes with it.
one-hot
    A list with a 1 at the true class and 0 elsewhere: how a class is written as a *target*.
optimiser
    The rule that turns a *gradient* into an *update*: plain *gradient descent*, *momentum*, *Adam*.
outer product
    A column times a row: a table in which each cell is one number of the column times one of the row. A weight
    matrix's gradient is one: *error* times inputs.
overfitting
    Learning the examples by heart: the *loss* on them falls, while that on new ones rises.
padding
    Zeros put around an input, so that a *kernel* can be laid on its edge, too.
parameter
    A number that training changes: a *weight* or a *bias*.
partial derivative
    The *derivative* for one variable while all the others stand still. It is written with ∂.
path
    A way from a value to the loss along the connections. A value matters for the loss through all its paths.
pooling
    Making one number of each window: the largest, whose place then gets the whole gradient, or the mean, which shares
    it out evenly.
pre-activation
    The weighted sum of a unit's inputs plus its *bias*, before the *activation function*: z = W·a + b.
prediction
    What the last layer gives out, written ŷ: to be compared with the *target*.
recurrence
    The same step with the same weights again and again, each time with a new input and the state that the last time
    left: hₜ from xₜ and hₜ₋₁.
regularisation
    A price on large weights, added to the *loss*, against *overfitting*. With L2 it is λ/2 times the sum of their
    squares, and every weight's gradient gets λ times the weight.
relu
    The *activation function* max(0, z): what is negative becomes 0. Its slope is 1 above 0 and 0 below.
residual connection
    Adding a layer's input to its output: y = x + f(x). On the way back the gradient goes around the layer as it is,
    and through it as well. It is also called a skip connection.
rmsprop
    An *optimiser* that divides each step by the root of a running *mean* of the squared *gradient*, so that all
    parameters move about equally fast.
running mean
    A *mean* in which old values count less and less: of what it was β stays, and 1 − β times the new value is added.
saturation
    A *sigmoid* or tanh far out, where the curve is flat: the slope is nearly 0, and hardly any gradient gets
    through.
score
    In *attention* how well a *key* fits a query: their product, scaled. A *softmax* makes weights of a row of scores.
shape
    How many rows and columns an array has: 3 × 4. A *gradient* has the shape of its parameter.
shared weight
    A *weight* that is used in several places, also called tied. What comes back from all its uses adds up.
shift
    What is added to a *normalised* value, one learned number a *feature*.
sigmoid
    The *activation function* σ(z) = 1/(1 + e⁻ᶻ), from 0 to 1 in the form of an S. Its slope is σ(1 − σ), at most ¼.
silu
    The *activation function* z·σ(z), also called swish: nearly 0 for negative z and nearly z for positive, with a
    small dip between.
slope
    How steep a curve is at a point: the rise for a tiny step to the right, divided by the step. It is another word
    for the *derivative*.
softmax
    Makes probabilities of the last layer's *pre-activations*: e to the power of each, divided by the sum of all.
    Each output depends on every input.
softplus
    The *activation function* ln(1 + eᶻ): a *ReLU* with its corner rounded. Its slope is the *sigmoid*.
squared error
    The *loss* (y − ŷ)², summed over the outputs. With a ½ in front its derivative has no 2.
stationary point
    A point where the *gradient* is 0: a *minimum*, a maximum, a saddle, which goes up one way and down another, or a
    plateau, where it is flat.
stochastic gradient descent
    *Gradient descent* on one example or a small *batch* at a time: each step is a little off, but there are many
    more of them.
stride
    By how many places a *kernel* or a window moves on. With 2, every other place is left out.
symmetry
    *Units* with the same weights in and out get the same *gradient*, and stay equal. Weights that are drawn at
    random break it.
tanh
    An *activation function* like the *sigmoid*, but from −1 to 1. Its slope is 1 − tanh², at most 1.
target
    What the *prediction* should be, as the data have it. It is written y.
token
    A piece of a text, such as a letter or a word, as a whole number that stands for it.
topological order
    An order in which each value stands behind all that it is made of. The *backward pass* walks it from its end.
training
    Repeating *iterations* until the *loss* is small enough.
transformer
    A network of *attention* and small networks of two layers, each with a *residual connection* and a *layer norm*.
transpose
    A matrix with rows and columns exchanged, written Aᵀ. Backward, a layer's weights are used so: the same
    connections from their end to their start.
unit
    The smallest part of a *layer*, also called a neuron: it adds up what comes in and gives on one number.
unrolling
    Writing a *recurrence* out as one step after the other, each a line of its own with the same weights.
update
    The last step of an *iteration*: each parameter moves a little against its *gradient*.
upstream gradient
    The *gradient* that comes back to an operation from what follows it. Times the *local derivative* it becomes the
    gradient of the input.
vanishing gradient
    A *gradient* that shrinks from layer to layer on the way back, until the first layers hardly learn. Sigmoids do
    it: each takes three quarters or more.
variance
    The *mean* of the squared distances from the mean: how far values lie apart. Here it is divided by n, not by n −
    1.
velocity
    What *momentum* remembers of a *parameter*: μ times its old velocity, and the new *gradient*. The step is taken
    along it.
weight
    The number that a connection multiplies by. The larger it is, the more the unit it leads to listens.
weight decay
    Making every *weight* a little smaller at each *update*. With plain gradient descent it is the same as L2
    *regularisation*.
xor
    Exclusive or: yes if one of two inputs is on, but not both. One *unit* cannot do it, a *hidden layer* can.
"""


def _read(table: str) -> dict[str, str]:
    """The table: a term a line, what it means in the indented lines below."""
    found: dict[str, str] = {}
    term = ""
    for line in table.splitlines():
        if line.startswith(" "):
            found[term] = f"{found.get(term, '')} {line.strip()}".strip()
        else:
            term = line
    return found


TERMS = _read(_TABLE)

# Other words for a term, and how it stands in a definition.
SAME = {
    "test set": "held-out rows", "validation set": "held-out rows",
    "neuron": "unit", "neural network": "network", "step size": "learning rate", "cost": "loss", "delta": "error",
    "hadamard product": "elementwise product", "sgd": "stochastic gradient descent", "l2": "regularisation",
    "activations": "activation", "gates": "gate", "layers": "layer", "units": "unit", "batches": "batch",
    "iterations": "iteration", "pre-activations": "pre-activation", "local derivatives": "local derivative",
    "partial derivatives": "partial derivative", "finite differences": "finite difference", "optimizer": "optimiser",
    "parameters": "parameter", "regularization": "regularisation", "sample": "example", "backprop": "backpropagation",
    "swish": "silu", "skip connection": "residual connection", "batch normalization": "batch norm",
    "batch normalisation": "batch norm", "layer normalization": "layer norm", "layer normalisation": "layer norm",
    "normalization": "normalisation", "normalised": "normalisation", "features": "feature", "unrolled": "unrolling",
    "rnn": "recurrence", "tokens": "token", "cross-correlation": "convolution", "filter": "kernel", "bptt":
    "backpropagation through time", "query": "key", "max pooling": "pooling", "average pooling": "pooling",
    "first moment": "moment", "second moment": "moment", "running means": "running mean", "tied": "shared weight",
    "shared": "shared weight", "recurrent": "recurrence", "xavier": "initialisation", "he": "initialisation",
    "per-class accuracy": "accuracy", "hyperparameters": "hyperparameter", "transposed": "transpose",
    "central difference": "finite difference", "scores": "score",
}  # fmt: skip
_WRITTEN = {
    "adam": "Adam", "jacobian": "Jacobian", "relu": "ReLU", "leaky relu": "leaky ReLU", "elu": "ELU", "gelu": "GELU",
    "silu": "SiLU", "rmsprop": "RMSprop", "huber loss": "Huber loss", "lstm": "LSTM", "xor": "XOR",
    "gate of an lstm": "gate of an LSTM",
}  # fmt: skip

# What is spoken of at the steps of a rule, the nearest first.
_AT: dict[Rule, tuple[str, ...]] = {
    "pre_activation": ("pre-activation", "weight", "bias", "unit", "layer"),
    "activation": ("activation", "activation function", "unit"),
    "softmax": ("softmax", "prediction", "pre-activation"),
    "loss": ("loss", "prediction", "target"),
    "mean_loss": ("mean", "batch", "loss"),
    "sum_loss": ("batch", "loss"),
    "objective": ("regularisation", "loss", "weight decay"),
    "loss_gradient": ("gradient", "loss", "derivative", "prediction"),
    "pre_activation_gradient": ("error", "local derivative", "upstream gradient", "elementwise product", "chain rule"),
    "softmax_gradient": ("softmax", "jacobian", "path", "chain rule"),
    "combined_error": ("error", "softmax", "cross-entropy", "chain rule"),
    "activation_gradient": ("path", "error", "transpose", "upstream gradient", "chain rule"),
    "weight_gradient": ("gradient", "weight", "error", "outer product", "shape"),
    "bias_gradient": ("gradient", "bias", "error"),
    "shared_bias_gradient": ("gradient", "bias", "error"),
    "sum_gradient": ("batch", "gradient"),
    "mean_gradient": ("mean", "batch", "gradient"),
    "decayed_gradient": ("regularisation", "weight decay", "gradient"),
    "update": ("update", "learning rate", "gradient descent", "parameter"),
    "optimizer": ("optimiser", "update", "gradient", "mean"),
    "no_path": ("path", "gradient"),
    "fork": ("fork", "path", "chain rule", "gradient"),
    "uses": ("fork", "path", "chain rule", "gradient", "parameter"),
    "local_derivative": ("local derivative", "derivative", "chain rule"),
    "gate": ("gate", "circuit", "local derivative", "upstream gradient", "gradient", "chain rule"),
    "gate_gradient": ("gate", "circuit", "local derivative", "upstream gradient", "gradient", "chain rule"),
}  # fmt: skip
# Of gates about arrays by their rules' ids.
_AT_ARRAYS: dict[str, tuple[str, ...]] = {
    "gate_matmul": ("matrix product", "dot product", "transpose", "shape"),
    "gate_matmul_gradient": ("matrix product", "transpose", "shape", "upstream gradient", "chain rule"),
    "gate_softmax": ("softmax", "logits", "attention"),
    "gate_softmax_gradient": ("softmax", "jacobian", "path", "chain rule"),
    "gate_norm": ("normalisation", "variance", "batch norm", "layer norm"),
    "gate_norm_gradient": ("normalisation", "variance", "fork", "chain rule"),
    "gate_variance": ("variance", "mean"),
    "gate_variance_gradient": ("variance", "mean", "chain rule"),
    "gate_average": ("mean", "axis"),
    "gate_average_gradient": ("mean", "axis", "broadcasting", "chain rule"),
    "gate_sum": ("axis", "shape"),
    "gate_sum_gradient": ("broadcasting", "axis", "fork", "chain rule"),
    "gate_cross_entropy": ("cross-entropy", "logits", "softmax", "loss"),
    "gate_cross_entropy_gradient": ("cross-entropy", "softmax", "one-hot", "error"),
    "gate_conv": ("convolution", "kernel", "stride", "padding"),
    "gate_conv_gradient": ("convolution", "kernel", "fork", "chain rule"),
    "gate_max_pool": ("pooling", "stride"),
    "gate_max_pool_gradient": ("pooling", "gradient"),
    "gate_avg_pool": ("pooling", "mean", "stride"),
    "gate_avg_pool_gradient": ("pooling", "mean", "gradient"),
    "gate_embedding": ("embedding", "token"),
    "gate_embedding_gradient": ("embedding", "token", "fork", "gradient"),
    "gate_causal": ("causal mask", "mask", "attention", "softmax"),
    "gate_causal_gradient": ("causal mask", "mask", "gradient"),
}  # fmt: skip
_AT_STATE: dict[str, tuple[str, ...]] = {"velocity": ("momentum", "optimiser", "update")}
_BY_CHOICE = {
    "cross_entropy": "cross-entropy", "binary_cross_entropy": "cross-entropy", "squared_error": "squared error",
    "half_squared_error": "squared error", "mean_squared_error": "mean squared error", "sgd": "gradient descent",
    "nesterov": "momentum", "adamw": "adam", "hinge": "hinge loss", "huber": "huber loss", "gelu_erf": "gelu",
}  # fmt: skip


def written(term: str) -> str:
    """A term as it is written within a sentence: 'learning rate', 'ReLU'."""
    return say_in("term", _WRITTEN.get(term, term))


def definition(term: str) -> str:
    """What a term means, in plain text. Raises KeyError for what is no term."""
    return say(TERMS[term]).replace("*", "")


def references(term: str) -> list[str]:
    """The terms that a definition rests on, in order, each once."""
    words = (word.casefold() for word in re.findall(r"\*([^*]+)\*", TERMS[term]))
    return list(dict.fromkeys(SAME.get(word, word) for word in words))


def search(text: str) -> list[str]:
    """The terms that a text may mean: the term itself alone; else those with these words, then the definitions."""
    wanted = " ".join(text.casefold().replace("_", " ").split())
    wanted = SAME.get(wanted, wanted)
    if wanted in TERMS:
        return [wanted]
    if term := next((term for term in TERMS if written(term).casefold() == wanted), None):
        return [term]
    words = wanted.split()
    named = [term for term in TERMS if all(word in f"{term} {written(term)}".casefold() for word in words)]
    named += [term for same, term in SAME.items() if term not in named and all(word in same for word in words)]
    said = [t for t in TERMS if t not in named and all(word in definition(t).casefold() for word in words)]
    return list(dict.fromkeys(named + said))


def spoken_of(rule: str, *choices: str | None) -> list[str]:
    """The terms of a step, the nearest first: by its rule's id, then by the lesson's activation, loss or optimiser."""
    from tutor.engine.rules import variant_of

    plain, variant = variant_of(rule) or (rule, "")
    special = _AT_ARRAYS.get(rule) or _AT_STATE.get(variant)
    terms = special or next((terms for at, terms in _AT.items() if at == plain), ())
    names = (_BY_CHOICE.get(choice, choice.replace("_", " ")) for choice in choices if choice)
    chosen = (name for name in names if name in TERMS)
    return list(dict.fromkeys((*terms, *chosen)))


def in_order(first: Iterable[str]) -> list[str]:
    """All terms, `first` before the rest, which stand by the alphabet as they are written in the learner's language."""
    from unicodedata import combining, normalize

    def letters(term: str) -> str:  # ä stands by a
        return "".join(letter for letter in normalize("NFKD", written(term).casefold()) if not combining(letter))

    first = list(first)
    return [*first, *sorted((term for term in TERMS if term not in first), key=letters)]


def entry_lines(term: str, columns: int = 78) -> list[str]:
    """A term and what it means, as lines of at most so many columns; where it leads on to last."""
    import textwrap

    title = written(term)
    says = [definition(term)]
    if others := references(term):
        says.append(say("see: {terms}", terms=", ".join(map(written, others))))
    wrapped = (textwrap.wrap(text, columns, initial_indent="  ", subsequent_indent="  ") for text in says)
    return [capital(title), *(line for lines in wrapped for line in lines)]


def answer(text: str, first: Iterable[str] = ()) -> list[str]:
    """What line mode and the command say: the entries that a text means; without one the names of all terms."""
    import textwrap

    if not text.strip():
        names = ", ".join(map(written, in_order(first)))
        return [
            *textwrap.wrap(names, 78, break_on_hyphens=False),
            "",
            say("glossary TERM says what one of them means."),
        ]
    found = search(text)
    lines = [line for term in found[:12] for line in (*entry_lines(term), "")]
    if not found:
        lines = [say("The glossary has no '{term}'.", term=" ".join(text.split())[:40])]
    elif len(found) > 12:
        lines.append(say("More: {terms}", terms=", ".join(map(written, found[12:]))))
    return lines[:-1] if lines[-1] == "" else lines
