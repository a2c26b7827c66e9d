import numpy as np
def adam(w, m, v, g, t, lr, beta1, beta2, eps):
    m*=beta1; m+=(1-beta1)*g
    v*=beta2; v+=(1-beta2)*g*g
    mh=m/(1-beta1**t); vh=v/(1-beta2**t)
    w-=lr*mh/(np.sqrt(vh)+eps)
    return m,v,mh,vh,w
