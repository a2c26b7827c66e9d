"""The first iteration of each bundled lesson, worked out by hand.

Nothing here comes from the tutor: the numbers of the lessons are written out again, and every
formula is written for its one network, in plain Python arithmetic. The tests hold the engine
to what this prints, so a slip in the engine's rules cannot hide in a slip made twice.

    python hand_values.py      writes hand_values.json beside this file

Values are keyed by lesson id and step id. Rows of a matrix are the units a layer ends in (to),
columns the units it starts from (from); in names such as w12 the first digit is the row, so
to unit 1 from unit 2. A vector is a list even of one unit; the loss is a number. Twelve
significant digits are kept.
"""

import json
import math
from pathlib import Path


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def gates():
    """f = (x + y) z, and one step downhill."""
    x, y, z, rate = -2, 5, -4, 0.01
    q = x + y
    f = q * z
    df_dq = z  # a multiply gate sends each input the other one
    df_dz = q
    df_dx = df_dq  # an add gate passes the gradient on unchanged
    df_dy = df_dq
    return {
        "q": q, "f": f,
        "df/dq": df_dq, "df/dz": df_dz, "df/dx": df_dx, "df/dy": df_dy,
        "x'": x - rate * df_dx, "y'": y - rate * df_dy, "z'": z - rate * df_dz,
    }  # fmt: skip


def sigmoid_neuron():
    """f = 1 / (1 + exp(-(w1 x1 + w2 x2 + b))), and g = sigmoid of the same z."""
    w1, x1, w2, x2, b = 0.7, 2, -0.3, 3, 0.1
    p1 = w1 * x1
    p2 = w2 * x2
    s = p1 + p2
    z = s + b
    n = -z
    e = math.exp(n)
    u = e + 1
    f = 1 / u
    df_du = -1 / u**2
    df_de = df_du
    df_dn = df_de * e
    df_dz = -df_dn
    return {
        "p1": p1, "p2": p2, "s": s, "z": z, "n": n, "e": e, "u": u, "f": f, "g": sigmoid(z),
        "df/du": df_du, "df/de": df_de, "df/dn": df_dn, "df/dz": df_dz,
        "df/ds": df_dz, "df/db": df_dz, "df/dp1": df_dz, "df/dp2": df_dz,
        "df/dw1": df_dz * x1, "df/dx1": df_dz * w1, "df/dw2": df_dz * x2, "df/dx2": df_dz * w2,
    }  # fmt: skip


def o_regression():
    """Two inputs, two linear hidden units, one linear output; L = (y - yhat)^2."""
    iq, cgpa, y, rate = 1.2, 0.8, 1.7, 0.05
    w11, w12, b1 = 0.5, 0.3, 0.1  # into hidden unit 1: from iq, from cgpa
    w21, w22, b2 = -0.2, 0.6, 0.2  # into hidden unit 2
    v1, v2, c = 0.7, 0.4, 0.2  # into the output: from hidden units 1 and 2

    o1 = w11 * iq + w12 * cgpa + b1
    o2 = w21 * iq + w22 * cgpa + b2
    yhat = v1 * o1 + v2 * o2 + c
    loss = (y - yhat) ** 2

    d = -2 * (y - yhat)
    # The nine derivatives, each by its own chain.
    dv1, dv2, dc = d * o1, d * o2, d
    dw11, dw12, db1 = d * v1 * iq, d * v1 * cgpa, d * v1
    dw21, dw22, db2 = d * v2 * iq, d * v2 * cgpa, d * v2
    return {
        "z1": [o1, o2], "a1": [o1, o2], "z2": [yhat], "a2": [yhat], "L": loss,
        "dL/da2": [d], "dL/dz2": [d],
        "dL/dW2": [[dv1, dv2]], "dL/db2": [dc],
        "dL/da1": [d * v1, d * v2], "dL/dz1": [d * v1, d * v2],
        "dL/dW1": [[dw11, dw12], [dw21, dw22]], "dL/db1": [db1, db2],
        "W2'": [[v1 - rate * dv1, v2 - rate * dv2]], "b2'": [c - rate * dc],
        "W1'": [[w11 - rate * dw11, w12 - rate * dw12], [w21 - rate * dw21, w22 - rate * dw22]],
        "b1'": [b1 - rate * db1, b2 - rate * db2],
    }  # fmt: skip


def o_classification():
    """The same shape, sigmoid everywhere; L = -y ln yhat - (1 - y) ln(1 - yhat)."""
    iq, cgpa, y, rate = 1.2, 0.8, 1, 0.5
    w11, w12, b1 = 0.5, -0.4, 0.1
    w21, w22, b2 = 0.3, 0.8, -0.2
    v1, v2, c = 0.9, -0.7, -0.2

    z1 = w11 * iq + w12 * cgpa + b1
    z2 = w21 * iq + w22 * cgpa + b2
    o1, o2 = sigmoid(z1), sigmoid(z2)
    z = v1 * o1 + v2 * o2 + c
    yhat = sigmoid(z)
    loss = -y * math.log(yhat) - (1 - y) * math.log(1 - yhat)

    e = yhat - y  # the two factors, dL/dyhat and yhat(1 - yhat), cancelled
    s1 = e * v1 * o1 * (1 - o1)
    s2 = e * v2 * o2 * (1 - o2)
    return {
        "z1": [z1, z2], "a1": [o1, o2], "z2": [z], "a2": [yhat], "L": loss,
        "dL/da2": [-y / yhat + (1 - y) / (1 - yhat)], "dL/dz2": [e],
        "dL/dW2": [[e * o1, e * o2]], "dL/db2": [e],
        "dL/da1": [e * v1, e * v2], "dL/dz1": [s1, s2],
        "dL/dW1": [[s1 * iq, s1 * cgpa], [s2 * iq, s2 * cgpa]], "dL/db1": [s1, s2],
        "W2'": [[v1 - rate * e * o1, v2 - rate * e * o2]], "b2'": [c - rate * e],
        "W1'": [
            [w11 - rate * s1 * iq, w12 - rate * s1 * cgpa],
            [w21 - rate * s2 * iq, w22 - rate * s2 * cgpa],
        ],
        "b1'": [b1 - rate * s1, b2 - rate * s2],
    }  # fmt: skip


def c_431():
    """Four inputs, three sigmoid units, one sigmoid output; L = (yhat - y)^2 / 2."""
    x1, x2, x3, x4, y, rate = 0.5, 1.5, -2, 0.8, 0.9, 1
    w11, w12, w13, w14, b1 = 0.4, -0.3, 0.2, 0.5, 0.1
    w21, w22, w23, w24, b2 = -0.6, 0.7, 0.1, 0.3, -0.2
    w31, w32, w33, w34, b3 = 0.2, 0.5, -0.4, -0.7, 0.3
    v1, v2, v3, c = 0.9, -0.5, 0.6, -0.4

    z1 = w11 * x1 + w12 * x2 + w13 * x3 + w14 * x4 + b1
    z2 = w21 * x1 + w22 * x2 + w23 * x3 + w24 * x4 + b2
    z3 = w31 * x1 + w32 * x2 + w33 * x3 + w34 * x4 + b3
    a1, a2, a3 = sigmoid(z1), sigmoid(z2), sigmoid(z3)
    z = v1 * a1 + v2 * a2 + v3 * a3 + c
    yhat = sigmoid(z)
    loss = (yhat - y) ** 2 / 2

    d = (yhat - y) * yhat * (1 - yhat)  # the error of the output unit
    d1 = v1 * d * a1 * (1 - a1)
    d2 = v2 * d * a2 * (1 - a2)
    d3 = v3 * d * a3 * (1 - a3)
    return {
        "z1": [z1, z2, z3], "a1": [a1, a2, a3], "z2": [z], "a2": [yhat], "L": loss,
        "dL/da2": [yhat - y], "dL/dz2": [d],
        "dL/dW2": [[d * a1, d * a2, d * a3]], "dL/db2": [d],
        "dL/da1": [v1 * d, v2 * d, v3 * d], "dL/dz1": [d1, d2, d3],
        "dL/dW1": [
            [d1 * x1, d1 * x2, d1 * x3, d1 * x4],
            [d2 * x1, d2 * x2, d2 * x3, d2 * x4],
            [d3 * x1, d3 * x2, d3 * x3, d3 * x4],
        ],
        "dL/db1": [d1, d2, d3],
        "W2'": [[v1 - rate * d * a1, v2 - rate * d * a2, v3 - rate * d * a3]], "b2'": [c - rate * d],
        "W1'": [
            [w11 - rate * d1 * x1, w12 - rate * d1 * x2, w13 - rate * d1 * x3, w14 - rate * d1 * x4],
            [w21 - rate * d2 * x1, w22 - rate * d2 * x2, w23 - rate * d2 * x3, w24 - rate * d2 * x4],
            [w31 - rate * d3 * x1, w32 - rate * d3 * x2, w33 - rate * d3 * x3, w34 - rate * d3 * x4],
        ],
        "b1'": [b1 - rate * d1, b2 - rate * d2, b3 - rate * d3],
    }  # fmt: skip


def p_deep():
    """Three inputs, two layers of three sigmoid units, softmax over two; L = -ln yhat of the true class.

    u are the weights of the first layer, v of the second, w of the third; g, h the activations
    of the two hidden layers. The true class of the first example is 2.
    """
    x1, x2, x3, rate = 0.5, 1.2, -0.4, 0.3
    u11, u12, u13, a1 = 0.4, -0.6, 0.9, 0.1
    u21, u22, u23, a2 = 0.7, 0.3, -0.5, -0.2
    u31, u32, u33, a3 = -0.8, 0.5, 0.2, 0.3
    v11, v12, v13, b1 = 0.9, -0.7, 0.4, 0.2
    v21, v22, v23, b2 = -0.3, 0.8, 0.6, -0.1
    v31, v32, v33, b3 = 0.5, 1.1, -0.9, 0.1
    w11, w12, w13, c1 = 0.3, -0.2, 1.2, -0.1
    w21, w22, w23, c2 = 0.8, -0.5, -0.4, 0.2

    r1 = u11 * x1 + u12 * x2 + u13 * x3 + a1
    r2 = u21 * x1 + u22 * x2 + u23 * x3 + a2
    r3 = u31 * x1 + u32 * x2 + u33 * x3 + a3
    g1, g2, g3 = sigmoid(r1), sigmoid(r2), sigmoid(r3)
    s1 = v11 * g1 + v12 * g2 + v13 * g3 + b1
    s2 = v21 * g1 + v22 * g2 + v23 * g3 + b2
    s3 = v31 * g1 + v32 * g2 + v33 * g3 + b3
    h1, h2, h3 = sigmoid(s1), sigmoid(s2), sigmoid(s3)
    t1 = w11 * h1 + w12 * h2 + w13 * h3 + c1
    t2 = w21 * h1 + w22 * h2 + w23 * h3 + c2
    total = math.exp(t1) + math.exp(t2)
    p1, p2 = math.exp(t1) / total, math.exp(t2) / total
    loss = -math.log(p2)

    k1, k2 = p1 - 0, p2 - 1  # softmax with cross-entropy: prediction minus target
    dh1 = k1 * w11 + k2 * w21  # a sum over both output units: two paths
    dh2 = k1 * w12 + k2 * w22
    dh3 = k1 * w13 + k2 * w23
    j1, j2, j3 = dh1 * h1 * (1 - h1), dh2 * h2 * (1 - h2), dh3 * h3 * (1 - h3)
    dg1 = j1 * v11 + j2 * v21 + j3 * v31
    dg2 = j1 * v12 + j2 * v22 + j3 * v32
    dg3 = j1 * v13 + j2 * v23 + j3 * v33
    i1, i2, i3 = dg1 * g1 * (1 - g1), dg2 * g2 * (1 - g2), dg3 * g3 * (1 - g3)
    return {
        "z1": [r1, r2, r3], "a1": [g1, g2, g3], "z2": [s1, s2, s3], "a2": [h1, h2, h3],
        "z3": [t1, t2], "a3": [p1, p2], "L": loss,
        "dL/da3": [0.0, -1 / p2], "dL/dz3": [k1, k2],
        "dL/dW3": [[k1 * h1, k1 * h2, k1 * h3], [k2 * h1, k2 * h2, k2 * h3]], "dL/db3": [k1, k2],
        "dL/da2": [dh1, dh2, dh3], "dL/dz2": [j1, j2, j3],
        "dL/dW2": [[j1 * g1, j1 * g2, j1 * g3], [j2 * g1, j2 * g2, j2 * g3], [j3 * g1, j3 * g2, j3 * g3]],
        "dL/db2": [j1, j2, j3],
        "dL/da1": [dg1, dg2, dg3], "dL/dz1": [i1, i2, i3],
        "dL/dW1": [[i1 * x1, i1 * x2, i1 * x3], [i2 * x1, i2 * x2, i2 * x3], [i3 * x1, i3 * x2, i3 * x3]],
        "dL/db1": [i1, i2, i3],
        "W3'": [
            [w11 - rate * k1 * h1, w12 - rate * k1 * h2, w13 - rate * k1 * h3],
            [w21 - rate * k2 * h1, w22 - rate * k2 * h2, w23 - rate * k2 * h3],
        ],
        "b3'": [c1 - rate * k1, c2 - rate * k2],
        "W2'": [
            [v11 - rate * j1 * g1, v12 - rate * j1 * g2, v13 - rate * j1 * g3],
            [v21 - rate * j2 * g1, v22 - rate * j2 * g2, v23 - rate * j2 * g3],
            [v31 - rate * j3 * g1, v32 - rate * j3 * g2, v33 - rate * j3 * g3],
        ],
        "b2'": [b1 - rate * j1, b2 - rate * j2, b3 - rate * j3],
        "W1'": [
            [u11 - rate * i1 * x1, u12 - rate * i1 * x2, u13 - rate * i1 * x3],
            [u21 - rate * i2 * x1, u22 - rate * i2 * x2, u23 - rate * i2 * x3],
            [u31 - rate * i3 * x1, u32 - rate * i3 * x2, u33 - rate * i3 * x3],
        ],
        "b1'": [a1 - rate * i1, a2 - rate * i2, a3 - rate * i3],
    }  # fmt: skip


LESSONS = {
    "gates": gates,
    "sigmoid-neuron": sigmoid_neuron,
    "o-regression": o_regression,
    "o-classification": o_classification,
    "c-431": c_431,
    "p-deep": p_deep,
}


def rounded(value):
    """Twelve significant digits, at any depth of lists."""
    return [rounded(item) for item in value] if isinstance(value, list) else float(f"{value:.12g}")


def all_values():
    return {lesson: {step: rounded(value) for step, value in work().items()} for lesson, work in LESSONS.items()}


if __name__ == "__main__":
    values = all_values()
    lines = [
        f"  {json.dumps(lesson)}: {{\n"
        + ",\n".join(f"    {json.dumps(step)}: {json.dumps(value)}" for step, value in steps.items())
        + "\n  }"
        for lesson, steps in values.items()
    ]
    Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
