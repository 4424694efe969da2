"""
What each layer knows
=====================

Cut a model after each layer, average its maps over time, and let a linear classifier learn the classes: how much
is known there, and how much does every further layer add?
"""

import otoscope
from otoscope import plots
from otoscope.data.find import find_sounds

# %%
# One set of sounds with two sets of labels: which vowel is said, and whether the voice is low, middle or high. A
# quarter of each class is held out to test on.
#
# The model that was trained to name the vowel. Each layer knows it better than the one before.

scope = otoscope.Scope("vowel-name")
vowel = scope.layer_importance(find_sounds("vowels", by="vowel", limit=96))
vowel.otoscope.plot()

# %%
vowel[["features", "accuracy", "ci_low", "ci_high"]].to_dataframe()

# %%
# What does it know of the register of the voice, which it was never asked for?

register = scope.layer_importance(find_sounds("vowels", by="register", limit=96))
plots.picture("layer_importance")({"vowel": vowel, "register": register})
