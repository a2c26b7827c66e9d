"""backprop-tutor: backpropagation in the terminal, one chain-rule step at a time."""

__version__ = "0.1.0"
