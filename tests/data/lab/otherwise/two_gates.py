def two_gates(x, y, z):
    q=x+y
    return q, q*z, z, q, z, z
