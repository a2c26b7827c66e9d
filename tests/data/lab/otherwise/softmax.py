import numpy as np
def softmax(x, W, b, y):
    z=W.dot(x)+b
    lse=z.max()+np.log(sum(np.exp(t-z.max()) for t in z))
    p=np.exp(z-lse)
    L=lse-z[np.argmax(y)]
    return z,p,L,-y/p,p-y,np.outer(p-y,x),p-y
