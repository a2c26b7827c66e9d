import numpy as np


def batch_norm(X, gain, shift, dH, eps):
    mean = X.mean(axis=0)
    var = ((X - mean) ** 2).mean(axis=0)
    root = np.sqrt(var + eps)
    N = (X - mean) / root
    H = gain * N + shift
    dgain = (dH * N).sum(axis=0)
    dshift = dH.sum(axis=0)
    dN = dH * gain
    dX = (dN - dN.mean(axis=0) - N * (dN * N).mean(axis=0)) / root
    return mean, var, N, H, dgain, dshift, dN, dX
