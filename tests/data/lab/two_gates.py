def two_gates(x, y, z):
    q = x + y
    f = q * z
    dq = z
    dz = q
    dx = dq * 1
    dy = dq * 1
    return q, f, dq, dz, dx, dy
