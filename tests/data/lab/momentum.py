def momentum(w, v, g, lr, mu):
    new_v = mu * v + g
    new_w = w - lr * new_v
    return new_v, new_w
