"""What must be read with a relevance that partly recovers the input."""

from __future__ import annotations

CAUTION = (
    "Read with care: guided backpropagation and the DeconvNet rule let only positive gradients pass and so "
    "partly recover the input signal, whatever the model has learnt (Nie, Zhang and Patel, ICML 2018). That "
    "a picture or sound resembles the input is no evidence that the decision rests on it."
)

PARTLY_RECOVER_THE_INPUT = ("guided", "deconvnet")
"""The rules that this is said of."""
