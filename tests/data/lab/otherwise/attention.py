import numpy as np
def attention(X, Wq, Wk, Wv, dO):
    Q,K,V=X@Wq,X@Wk,X@Wv
    r,d=Q.shape
    S=Q@K.T/d**.5
    for i in range(r):
        S[i,i+1:]=-1e9
    P=np.exp(S-S.max(1)[:,None]); P/=P.sum(1)[:,None]
    O=P@V
    dV=P.T@dO; dP=dO@V.T
    dS=np.zeros((r,r))
    for i in range(r):
        J=np.diag(P[i])-np.outer(P[i],P[i])
        dS[i]=J@dP[i]
    dQ=dS@K/d**.5; dK=dS.T@Q/d**.5
    return Q,K,V,P,O,dV,dS,dQ,dK,dQ@Wq.T+dK@Wk.T+dV@Wv.T
