import numpy as np
def batch(X, W1, b1, W2, b2, Y):
    r=len(X)
    Z1=(W1@X.T).T+b1; A1=Z1*(Z1>0)
    Z2=A1@W2.T+b2; A2=np.maximum(Z2,0)
    L=((A2-Y)**2).sum()/2/r
    dZ2=np.where(Z2>0,A2-Y,0)
    dZ1=(dZ2@W2)*(Z1>0)
    return Z1,A1,Z2,A2,L,dZ2,dZ2.T@A1/r,dZ2.mean(axis=0),dZ1,(dZ1[:,:,None]*X[:,None,:]).mean(0),dZ1.mean(0)
