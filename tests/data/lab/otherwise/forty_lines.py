import numpy as np
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0
    def __add__(self, other):
        return Value(self.data+other.data, (self,other), (1.0,1.0))
    def __mul__(self, other):
        return Value(self.data*other.data, (self,other), (other.data,self.data))
    def tanh(self):
        t=np.tanh(self.data)
        return Value(t, (self,), (1-t*t,))
    def backward(self):
        count={}
        todo=[self]; seen={id(self)}
        while todo:
            v=todo.pop()
            v.grad=0.0
            for p in v.parents:
                count[id(p)]=count.get(id(p),0)+1
                if id(p) not in seen:
                    seen.add(id(p)); todo.append(p)
        self.grad=1.0
        ready=[self]
        while ready:
            v=ready.pop()
            for p,s in zip(v.parents,v.slopes):
                p.grad+=s*v.grad
                count[id(p)]-=1
                if not count[id(p)]: ready.append(p)
