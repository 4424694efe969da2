"""
What is left without it
=======================

A sonification is said to be what a feature map responds to. Take it out of the sound: does the model still know
the vowel?
"""

import otoscope
from otoscope.data.find import find_sounds

# %%
# Over a data set, the accuracy on residuals of each layer beside that on whole sounds, with 95 % intervals.

scope = otoscope.Scope("vowel-name")
study = scope.residual_study(find_sounds("vowels", limit=36))
study.otoscope.plot()

# %%
# The change with its bounds, paired over the sounds:

study[["change", "change_ci_low", "change_ci_high", "agreement"]].to_dataframe()

# %%
# The model that names the register of the voice hears the same sounds and loses much less: many harmonics tell the
# same F0, and what is left of them is enough.

register = otoscope.Scope("vowel-register")
register.residual_study(find_sounds("vowels", by="register", limit=36)).otoscope.plot()
