import numpy as np
def mlp_forward(x, W1, b1, W2, b2, y):
    s=lambda z: 1/(1+np.exp(-z))
    z1=[float(r@x)+c for r,c in zip(W1,b1)]
    a1=s(np.array(z1)); z2=a1@W2.T+b2; a2=s(z2)
    return z1,a1,z2,a2,np.where(y==1,-np.log(a2),-np.log1p(-a2)).sum()
