"""
A sound without it
==================

A sonification is said to be what a feature map responds to. Take it out of the sound: what is left to be heard?
"""

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# A vowel, without what the most active map of each layer responds to.

scope = otoscope.Scope("vowel-name")
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
# Which maps were taken out, and how loud what is left is re the sound, in dB:

rest[["channel", "level"]].to_dataframe()
