import math
def neuron(x, w, b, y):
    z=b
    for i in range(len(x)): z+=x[i]*w[i]
    a=1/(1+math.exp(-z))
    d=2*(a-y)*math.exp(-z)/(1+math.exp(-z))**2
    return (y-a)**2, [d*t for t in x], d
