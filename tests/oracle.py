"""The oracle: what a network or a circuit computes and how it changes, in 60 digits.

It shares no code with the tutor. Every value comes from its definition, in loops over single
numbers; every derivative is a central difference (f(x + h) − f(x − h)) / 2h with h = 10⁻²⁴,
whose error of about h² leaves more than thirty digits right. Kinks (ReLU at 0, equal arguments of
max) have no derivative to compare with: `Network.kink` tells how near a network comes to one.

What float64 can be asked for comes along: `scales` and `path_sums` add up the absolute values
of all the terms that make up a gradient, path by path.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mpmath import mp, mpf

from told import Told

mp.dps = 60
H = mpf(10) ** -24
ZERO, ONE = mpf(0), mpf(1)


def exact(values):
    """Floats, nested as they are, as 60-digit numbers; None stays."""
    if values is None:
        return None
    if hasattr(values, "tolist"):
        values = values.tolist()
    return [exact(v) for v in values] if isinstance(values, list | tuple) else mpf(values)


def slope(f, x):
    """df/dx of a function of one number; of several values if it gives a list."""
    up, down = f(x + H), f(x - H)
    if isinstance(up, list):
        return [(u - d) / (2 * H) for u, d in zip(up, down, strict=True)]
    return (up - down) / (2 * H)


def gradient(f, values):
    """∂f/∂v for every element of a list, or of a list of lists."""
    if isinstance(values[0], list):
        return [gradient(lambda row, i=i: f([*values[:i], row, *values[i + 1 :]]), row) for i, row in enumerate(values)]
    return [slope(lambda v, i=i: f([*values[:i], v, *values[i + 1 :]]), value) for i, value in enumerate(values)]


# ---------------------------------------------------------------- networks


def sigmoid(z):
    return ONE / (ONE + mp.exp(-z))


def tanh(z):
    up, down = mp.exp(z), mp.exp(-z)
    return (up - down) / (up + down)


def log1p_exp(v):
    """ln(1 + eᵛ), from the smaller of the two sides, so that no digit of e⁻¹⁰⁰⁰ is lost beside 1."""
    return mp.log1p(mp.exp(v)) if v < 0 else v + mp.log1p(mp.exp(-v))


def loss_of_prediction(name, y, a, delta=ONE):
    """L as it is defined, from target and prediction."""
    if name == "binary_cross_entropy":
        return -sum(t * mp.log(p) + (1 - t) * mp.log(1 - p) for t, p in zip(y, a, strict=True))
    if name == "cross_entropy":
        return -sum(t * mp.log(p) for t, p in zip(y, a, strict=True))
    if name == "hinge":
        return sum(max(ZERO, 1 - t * p) for t, p in zip(y, a, strict=True))
    if name == "huber":
        sizes = [abs(t - p) for t, p in zip(y, a, strict=True)]
        return sum(d**2 / 2 if d <= delta else delta * d - delta**2 / 2 for d in sizes)
    square = sum((t - p) ** 2 for t, p in zip(y, a, strict=True))
    known = {"squared_error": square, "half_squared_error": square / 2, "mean_squared_error": square / len(y)}
    return Told('tests/oracle.py knows the losses independently: add "{name}" to loss_of_prediction there', known)[name]


def loss_of_pre_activation(name, y, z):
    """The two entropies from z: −ln σ(z) = ln(1 + e⁻ᶻ) and −ln softmax(z)ₗ = ln Σ eᶻ − zₗ."""
    if name == "binary_cross_entropy":
        return sum(t * log1p_exp(-v) + (1 - t) * log1p_exp(v) for t, v in zip(y, z, strict=True))
    top = max(z)
    log_sum = top + mp.log(sum(mp.exp(v - top) for v in z))
    return sum(t * (log_sum - v) for t, v in zip(y, z, strict=True))


def gelu(z):
    return z / 2 * (1 + tanh(mp.sqrt(2 / mp.pi) * (z + mpf("0.044715") * z**3)))


ACTIVATIONS = Told(
    'tests/oracle.py knows the activations independently: add "{name}" to ACTIVATIONS there',
    {
        "linear": lambda z: z,
        "sigmoid": sigmoid,
        "tanh": tanh,
        "relu": lambda z: z if z > 0 else ZERO,
        "bipolar_sigmoid": lambda z: 2 / (1 + mp.exp(-z)) - 1,
        "softplus": log1p_exp,
        "silu": lambda z: z * sigmoid(z),
        "gelu": gelu,
        "gelu_erf": lambda z: z * mp.ncdf(z),
    },
)


@dataclass(frozen=True)
class Layer:
    W: list  # W[i][j]: to unit i, from unit j
    b: list | object | None  # one number a unit, or one for all
    activation: str = "linear"
    alpha: object = mpf("0.01")

    def z(self, a):
        sums = [sum(w * v for w, v in zip(row, a, strict=True)) for row in self.W]
        if self.b is None:
            return sums
        biases = self.b if isinstance(self.b, list) else [self.b] * len(sums)  # one that all units share
        return [s + b for s, b in zip(sums, biases, strict=True)]

    def a(self, z):
        if self.activation == "softmax":
            powers = [mp.exp(v - max(z)) for v in z]
            return [p / sum(powers) for p in powers]
        one = {
            "leaky_relu": lambda v: v if v > 0 else self.alpha * v,
            "elu": lambda v: v if v > 0 else self.alpha * mp.expm1(v),
        }.get(self.activation) or ACTIVATIONS[self.activation]
        return [one(v) for v in z]


@dataclass(frozen=True)
class Network:
    """Layers count from 1, as in step ids."""

    layers: tuple[Layer, ...]
    cost: str
    l2: object = ZERO
    delta: object = ONE
    summed: bool = False  # over a batch, and not averaged

    def forward(self, x):
        """[(z, a) of layer 1, of layer 2, ...]"""
        found = []
        for layer in self.layers:
            z = layer.z(x)
            x = layer.a(z)
            found.append((z, x))
        return found

    def loss(self, x, y):
        return self.after(0, x, y)

    def after(self, k, a, y):
        """L of an example whose activation in layer k is a."""
        if k == len(self.layers):
            return loss_of_prediction(self.cost, y, a, self.delta)
        return self.within(k + 1, self.layers[k].z(a), y)

    def within(self, k, z, y):
        """L of an example whose pre-activation in layer k is z."""
        if k == len(self.layers) and "entropy" in self.cost:
            return loss_of_pre_activation(self.cost, y, z)
        return self.after(k, self.layers[k - 1].a(z), y)

    def dz(self, x, y, k):
        return gradient(lambda z: self.within(k, z, y), self.forward(x)[k - 1][0])

    def da(self, x, y, k):
        return gradient(lambda a: self.after(k, a, y), self.forward(x)[k - 1][1])

    def _before(self, x, k):
        return self.forward(x)[k - 2][1] if k > 1 else x

    def dW(self, x, y, k):
        before, layer = self._before(x, k), self.layers[k - 1]
        return gradient(lambda W: self.within(k, replace(layer, W=W).z(before), y), layer.W)

    def db(self, x, y, k):
        before, layer = self._before(x, k), self.layers[k - 1]
        f = lambda b: self.within(k, replace(layer, b=b).z(before), y)  # noqa: E731
        return gradient(f, layer.b) if isinstance(layer.b, list) else slope(f, layer.b)

    def penalty(self, layers=None):
        """λ/2 Σ W² over all weights."""
        return self.l2 / 2 * sum(w**2 for layer in layers or self.layers for row in layer.W for w in row)

    def d_penalty(self, k):
        layer = self.layers[k - 1]
        return gradient(lambda W: self.penalty([replace(layer, W=W)]), layer.W)

    def kink(self, x, y):
        """The least |z| of a unit of two pieces, or the least distance of a loss from where its slope jumps."""
        near = [
            abs(v)
            for layer, (z, _) in zip(self.layers, self.forward(x), strict=True)
            if "elu" in layer.activation  # relu, leaky_relu, elu, and gelu, which has none
            for v in z
        ]
        a = self.forward(x)[-1][1]
        if self.cost == "hinge":
            near += [abs(1 - t * p) for t, p in zip(y, a, strict=True)]
        if self.cost == "huber":
            near += [abs(abs(t - p) - self.delta) for t, p in zip(y, a, strict=True)]
        return min(near, default=ONE)

    def scales(self, x, y):
        """{'a2': [...], 'z2': ..., 'W2': ..., 'b2': ...}: the sums of absolute terms of each gradient."""
        found, passes = {}, self.forward(x)
        a = passes[-1][1]
        if self.cost == "binary_cross_entropy":
            up = [abs(t / p) + abs((1 - t) / (1 - p)) for t, p in zip(y, a, strict=True)]
        elif self.cost == "cross_entropy":
            up = [abs(t / p) for t, p in zip(y, a, strict=True)]
        else:
            mean = mpf(2) / len(y)
            factor = {"squared_error": 2, "mean_squared_error": mean}.get(self.cost, 1)
            up = [factor * (abs(t) + abs(p)) for t, p in zip(y, a, strict=True)]
        for k in range(len(self.layers), 0, -1):
            layer, (z, a), before = self.layers[k - 1], passes[k - 1], self._before(x, k)
            found[f"a{k}"] = up
            if k == len(self.layers) and "entropy" in self.cost:
                down = [abs(t) + abs(p) for t, p in zip(y, a, strict=True)]
            elif layer.activation == "softmax":
                down = [
                    sum(u * p * ((j == i) + a[i]) for j, (u, p) in enumerate(zip(up, a, strict=True)))
                    for i in range(len(a))
                ]
            else:
                steep = {
                    "sigmoid": lambda p: p + p**2,
                    "tanh": lambda p: 1 + p**2,
                    "bipolar_sigmoid": lambda p: (1 + p**2) / 2,
                }.get(layer.activation)
                slopes = [steep(p) for p in a] if steep else [abs(slope(lambda v: layer.a([v])[0], v)) for v in z]
                down = [u * s for u, s in zip(up, slopes, strict=True)]
            found[f"z{k}"] = down
            found[f"b{k}"] = down if isinstance(layer.b, list) else sum(down)
            found[f"W{k}"] = [[d * abs(v) for v in before] for d in down]
            up = [sum(d * abs(row[j]) for d, row in zip(down, layer.W, strict=True)) for j in range(len(before))]
        return found


# ---------------------------------------------------------------- circuits

# An expression is a number, a name, or (operator, expression, ...).
OPERATIONS = Told(
    'tests/oracle.py knows the functions of circuits independently: '
    'add "{name}" to OPERATIONS there, an activation to ACTIVATIONS',
    {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "/": lambda x, y: x / y,
        "**": lambda x, y: x ** int(y) if y == int(y) else x**y,
        "neg": lambda x: -x,
        "max": max,
        "min": min,
        "exp": mp.exp,
        "log": mp.log,
        "ln": mp.log,
        "sqrt": mp.sqrt,
        "sin": mp.sin,
        "cos": mp.cos,
        "abs": abs,
        "erf": mp.erf,
        **{name: f for name, f in ACTIVATIONS.items() if name != "linear"},
        "leaky_relu": lambda x: x if x > 0 else mpf(0.01) * x,
        "elu": lambda x: x if x > 0 else mp.expm1(x),
    },
)


def value(expression, names):
    """An expression's value; `names` gives those of the names in it."""
    if isinstance(expression, str):
        return names[expression]
    if not isinstance(expression, tuple):
        return mpf(expression)
    operator, *args = expression
    return OPERATIONS[operator](*[value(arg, names) for arg in args])


def circuit(inputs, lines, moved=None):
    """Every value of a circuit; `moved` gives values that take the place of computed ones."""
    moved = moved or {}
    names = {name: moved.get(name, exact(v)) for name, v in inputs.items()}
    for name, expression in lines:
        names[name] = moved[name] if name in moved else value(expression, names)
    return names


def circuit_gradient(inputs, lines, output, name):
    """d(output)/d(name): of an input, or of any line's value."""
    return slope(lambda v: circuit(inputs, lines, {name: v})[output], circuit(inputs, lines)[name])


def path_sums(inputs, lines, output):
    """For every name the sum, over all paths from it to the output, of |product of local derivatives|."""
    names = circuit(inputs, lines)
    found = dict.fromkeys(names, ZERO) | {output: ONE}
    terms = {"tanh": lambda t: 1 + t**2, "sigmoid": lambda s: s + s**2}  # of 1 − t² and s − s²
    terms["bipolar_sigmoid"] = lambda t: (1 + t**2) / 2

    def walk(expression, upstream):
        if isinstance(expression, str):
            found[expression] += upstream
        elif isinstance(expression, tuple):
            operator, *args = expression
            at = [value(arg, names) for arg in args]
            for k, arg in enumerate(args):
                if isinstance(arg, str | tuple):
                    f = OPERATIONS[operator]
                    if operator in terms:
                        local = terms[operator](f(*at))
                    else:
                        local = slope(lambda v, k=k, at=at, f=f: f(*at[:k], v, *at[k + 1 :]), at[k])
                    if operator == "**" and k == 1:  # ∂xʸ/∂y = xʸ log x, of an x that was rounded beside 1
                        local = abs(local) + abs(f(*at))
                    walk(arg, upstream * abs(local))

    for name, expression in reversed(lines):
        walk(expression, found[name])
    return found
