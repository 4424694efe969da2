"""
What is left without it
=======================

A sonification is said to be what a feature map responds to. Take it out of the sound: does the model still know
the vowel?
"""

import otoscope
from otoscope.data.labelled import labelled_sounds
from otoscope.data.vowels import vowel_clip

# %%
# A vowel, and the vowel without what the most active map of each layer responds to.

scope = otoscope.Scope(otoscope.load("vowel-name"))
vowel = vowel_clip("ah", "women")
rest = scope.residual(vowel)
rest.otoscope.plot()

# %%
# The whole sound:

vowel.otoscope.play()

# %%
# Without the map of the first layer:

rest.otoscope.play(layer="pool1")

# %%
# Over a data set, the accuracy on residuals of each layer beside that on whole sounds, with 95 % intervals.

waves, labels = zip(*labelled_sounds("vowels", limit=36), strict=True)
study = scope.residual_study(waves, labels)
study.otoscope.plot()

# %%
# The change with its bounds, paired over the sounds:

study[["change", "change_low", "change_high", "agreement"]].to_dataframe()

# %%
# The model that names the register of the voice hears the same sounds and loses much less: many harmonics tell the
# same F0, and what is left of them is enough.

register = otoscope.Scope(otoscope.load("vowel-register"))
waves, labels = zip(*labelled_sounds("vowels", by="register", limit=36), strict=True)
register.residual_study(waves, labels).otoscope.plot()
