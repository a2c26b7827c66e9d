import numpy as np
def gradient_check(loss, w, grad, eps):
    n=np.empty(w.size)
    for i in range(w.size):
        e=np.zeros(w.size); e[i]=eps; e=e.reshape(w.shape)
        n[i]=(loss(w+e)-loss(w-e))/2/eps
    n=n.reshape(w.shape)
    return n, np.max(np.abs(n-grad)/np.maximum(np.abs(n),np.abs(grad)))
