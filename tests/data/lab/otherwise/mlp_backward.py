import numpy as np
def mlp_backward(x, y, W2, a1, a2):
    x,y,a1,a2=[t[:,None] for t in (x,y,a1,a2)]  # columns
    d2=(a2-y)*a2*(1-a2)
    d1=W2.T@d2*a1*(1-a1)
    return d1@x.T, d1, d2@a1.T, d2
