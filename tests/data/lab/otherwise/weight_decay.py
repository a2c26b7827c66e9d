import numpy as np
def weight_decay(X, Y, W, b, lam, lr):
    Z=np.array([W@x+b for x in X]); E=Z-Y; r=len(X)
    L=0.5*np.mean([e@e for e in E]); J=L+lam/2*np.linalg.norm(W)**2
    dW=sum(np.outer(e,x) for e,x in zip(E,X))/r
    dJ=dW+lam*W; db=E.mean(0)
    return Z,L,J,dW,dJ,db,(1-lr*lam)*W-lr*dW,b-lr*db
