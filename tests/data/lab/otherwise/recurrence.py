import numpy as np
def recurrence(X, h0, Wx, Wh, b, dh):
    hs=[h0]
    for x in X:
        hs.append(np.tanh(Wx@x+Wh@hs[-1]+b))
    dWx=0*Wx; dWh=0*Wh; db=0*b; dz=[None]*3
    d=dh
    for t in (2,1,0):
        dz[t]=d*(1-hs[t+1]**2)
        dWx=dWx+np.outer(dz[t],X[t]); dWh=dWh+np.outer(dz[t],hs[t]); db=db+dz[t]
        d=Wh.T@dz[t]
    return hs[1:], dz, dWx, dWh, db
