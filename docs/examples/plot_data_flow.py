"""
Data flow
=========

What becomes of a sound on its way through a model? Every layer holds signals at a rate of its own: here they are in
time and in frequency, each up to its own Nyquist limit.
"""

import otoscope
from otoscope.data.vowels import vowel_clip
from otoscope.methods.data_flow import flow_at

scope = otoscope.Scope("vowel-name")
vowel = vowel_clip("ah", "women")

# %%
# By default it follows the most active map at the end of every block. The periods of the voice are still seen behind
# the first pooling; above it there is only the slow course of the map.

flow = scope.data_flow(vowel)
flow.otoscope.plot()

# %%
# Any map of any layer can be looked at. The first layer keeps one sample of four; its maps are filtered sounds at
# 4 kHz, and the activation behind it makes harmonics of what has passed.

scope.data_flow(vowel, layer=["conv1", "relu1", "pool1"], channels=12).otoscope.plot()

# %%
# One layer as labelled arrays:

flow_at(flow, "pool1")

# %%
# The sound itself:

vowel.otoscope.play()
