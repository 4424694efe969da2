"""
F0 and formants of many vowels in their relevance
=================================================

A picture of a relevance signal shows one sound. Over many vowels whose F0 and formants are known, it can be counted
how often they are found in the relevance.
"""

import otoscope

# %%
# The share of vowels whose F0, F1 and F2, measured in the relevance, are within one standard deviation of what they are
# known to be. Below, the same measured in the sound itself, which shows how far the measurement is right.

namer = otoscope.Scope("vowel-name")
result = namer.vowels(groups=["men", "women"], limit=24)
result.otoscope.plot()

# %%
# The model that judges the register of a voice does not need the formants. It has the same architecture and was trained
# on the same sounds.

listener = otoscope.Scope("vowel-register")
listener.vowels(groups=["men", "women"], limit=24).otoscope.plot()

# %%
# What was measured in each vowel is in the result, in Hz:

print(result.measured.sel(signal="relevance").to_pandas().head().round())
