import numpy as np
def convolution(x, k, b, dz):
    s,t = k.shape
    H,W = x.shape[0]-s+1, x.shape[1]-t+1
    z = [[sum(x[i+u][j+v]*k[u][v] for u in range(s) for v in range(t))+b for j in range(W)] for i in range(H)]
    dk = np.zeros_like(k); dx = np.zeros(x.shape)
    for i in range(H):
        for j in range(W):
            dk += dz[i,j]*x[i:i+s,j:j+t]
            dx[i:i+s,j:j+t] += dz[i,j]*k
    return {"z": z, "dk": dk, "db": dz.sum(), "dx": dx}
