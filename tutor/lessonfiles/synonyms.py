"""What the words of a lesson file are called elsewhere, so that a message says which of ours was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tutor.engine.parsing import nearest

# What the words of a lesson file are called elsewhere: in books, in other programs, in a hurry. Case, spaces, hyphens
# and underscores count for nothing.
SYNONYMS: dict[str, str] = {
    "mean_squared_error": "mse meansquare meansquareerror mseloss quadratic",
    "squared_error": "sse se sumofsquares squarederrors sumsquarederror l2loss",
    "half_squared_error": "halfmse halfsse halfsquared",
    "binary_cross_entropy": "bce logloss binarycrossentropy bceloss bcewithlogits bcewithlogitsloss logistic_loss",
    "cross_entropy": "ce categoricalcrossentropy sparsecategoricalcrossentropy crossentropyloss nll nllloss "
    "softmaxcrossentropy negativeloglikelihood",
    "linear": "identity none id lin",
    "sigmoid": "logistic sigm expit logit sig",
    "tanh": "hyperbolictangent tangenshyperbolicus tanhyp",
    "relu": "rectifier rectifiedlinear rect",
    "leaky_relu": "lrelu leakyrelu leaky prelu",
    "silu": "swish",
    "sgd": "gd gradientdescent stochasticgradientdescent vanilla bgd",
    "nesterov": "nag nesterovmomentum",
    "momentum": "heavyball sgdmomentum",
    "xavier": "glorot glorotuniform glorotnormal xavieruniform xaviernormal",
    "he": "kaiming hekaiming henormal heuniform kaimingnormal kaiminguniform",
    "normal": "gaussian random randn",
    "all": "full fullbatch whole",
    "shuffled": "shuffle permuted",
    "listed": "sequential inorder fixed",
    "learning_rate": "lr eta rate stepsize learningrate alpha",
    "optimizer": "optimiser optim algorithm",
    "batch": "batchsize minibatch",
    "seed": "randomseed randomstate rng",
    "l2": "lambda regularization regularisation weightpenalty ridge",
    "epsilon": "eps",
    "layers": "layer hiddenlayers hidden hiddenlayer dense fc layer1 layer2 layer3",
    "inputs": "input x features numinputs ninputs inputsize inputnames",
    "targets": "y output outputs labels label expected",
    "loss": "cost costfunction lossfunction objective criterion error",
    "units": "neurons nodes size width outfeatures",
    "activation": "act activationfunction nonlinearity transfer function",
    "weights": "w weight kernel init initializer initialiser initialization initialisation weightmatrix",
    "biases": "b bias offsets offset",
    "alpha": "slope negativeslope leak",
    "title": "name heading",
    "summary": "description abstract",
    "unit": "chapter section",
    "requires": "prerequisites prerequisite needs",
    "intro": "introduction text begin",
    "outro": "conclusion ending end",
    "examples": "data dataset samples rows",
    "held_out": "test tests testset testsize testshare validation validationsplit validationset holdout heldout unseen",
    "scale": "divide dividedby divisor normalize normalise",
    "notes": "note comments explanations",
    "questions": "question tasks exercises",
    "expect": "expected expectations checks",
    "define": "formula formulas equations lines gates definitions",
    "parameters": "params param trainable trained learnable variables weights",
    "data": "constants constant fixed given nograd stopgradient frozen",
    "repeat": "times time loop for unroll range steps",
    "steps": "step",
    "step": "id at",
    "ask": "question prompt",
    "answer": "solution right correct",
    "choices": "options alternatives",
    "hints": "hint tips",
    "says": "feedback text message explanation",
    "source": "by from reference origin",
    "value": "values result",
    "text": "body content words markdown note says",
    "iteration": "epoch round step_number at_iteration",
    "tolerance": "tol atol within precision",
    "output": "out result returns loss cost objective",
    "number": "numeric float",
    "choice": "multiplechoice mc select",
}
# Keys that are in no lesson, and where what they say has its place.
ELSEWHERE: tuple[tuple[tuple[str, ...], str], ...] = (
    (("epochs", "iterations", "max_iter", "n_epochs", "num_epochs", "steps"),
     "how long is said where it is trained: backprop-tutor train FILE --epochs 100"),
    (("author", "authors", "date", "version", "license", "language", "tags"), "write it behind a #, as a comment"),
    (("decay", "schedule", "scheduler", "lr_decay"), "the learning rate stays the same"),
    (("id", "name", "slug"), "a lesson's id is its file's name"),
    (("bias", "use_bias"), "a layer without biases has biases = false"),
    (("figure", "image", "video", "picture"), "a lesson has text alone: the tutor draws"),
)  # fmt: skip
_MEANT = {re.sub("[-_ ]", "", word.casefold()): name for name, words in SYNONYMS.items() for word in words.split()}


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known word that another one stands for: by its letters, by its meaning, else the nearest by its spelling."""
    bare = re.sub("[-_ ]", "", word[:64].casefold())
    known = list(known)
    for name in known:
        if name.replace("_", "").casefold() == bare:
            return name
    names = [name for name, words in SYNONYMS.items() if name in known and bare in _bare_words(words)]
    if names:
        return names[0]
    return None if bare in _MEANT or bare in _OTHERS else nearest(word[:64], known) or None


def _bare_words(words: str) -> list[str]:
    return [re.sub("[-_ ]", "", word.casefold()) for word in words.split()]


# What this tutor has under no name, and which looks like something else that it has.
_OTHERS = frozenset(
    "gelu elu selu celu mish softplus softsign hardtanh swish silu rmsprop adagrad adadelta lion nadam huber hinge mae "
    "l1 kl dropout epochs epoch iterations clip sin cos gaussian rbf".split()
)


def all_but(word: str, name: str | None) -> bool:
    """Whether a word is that name but for a letter: so close that nothing else is meant."""
    return name is not None and (word.casefold().rstrip("s") == name.casefold().rstrip("s"))
