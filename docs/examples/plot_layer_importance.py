"""
What each layer knows
=====================

Cut a model after each layer, average its maps over time, and let a linear classifier tell the classes apart: how much
is known there, and how much does every further layer add?
"""

import otoscope
from otoscope import plots
from otoscope.data.labelled import labelled_sounds, split_sounds

# %%
# One set of sounds with two sets of labels: which vowel is said, and whether the voice is low, middle or high.


def labelled(by):
    return [list(zip(*part, strict=True)) for part in split_sounds(labelled_sounds("vowels", by=by, limit=96))]


# %%
# The model that was trained to name the vowel. Each layer knows it better than the one before.

scope = otoscope.Scope(otoscope.load("vowel-name"))
vowel = scope.layer_importance(*labelled("vowel"))
vowel.otoscope.plot()

# %%
vowel[["features", "mean", "low", "high"]].to_dataframe()

# %%
# What does it know of the register of the voice, which it was never asked for?

register = scope.layer_importance(*labelled("register"))
plots.layer_importance({"vowel": vowel, "register": register})
