import numpy as np
def batch_norm(X, gain, shift, dH, eps):
    r=len(X)
    mean=X.mean(0); var=X.var(axis=0)
    s=np.sqrt(var+eps); N=(X-mean)/s; H=gain*N+shift
    dgain=np.einsum('ij,ij->j',dH,N); dshift=dH.sum(0); dN=dH*gain
    dvar=(dN*(X-mean)*-0.5*(var+eps)**-1.5).sum(0)
    dmean=(-dN/s).sum(0)+dvar*(-2*(X-mean)).mean(0)
    dX=dN/s+dvar*2*(X-mean)/r+dmean/r
    return mean,var,N,H,dgain,dshift,dN,dX
