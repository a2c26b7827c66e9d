def momentum(w, v, g, lr, mu):
    v = mu*v+g
    return v, w-lr*v
