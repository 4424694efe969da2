"""
Where classes differ, and where a model listens
===============================================

In which bands of frequency do the classes of a data set differ most, and does a model look there? F-ratios answer the
first question, relevance the second, both on the same sounds.
"""

import otoscope
from otoscope.data.find import find_sounds

# %%
# The built-in vowels are spoken in low, middle and high voices. One of the models that come with Otoscope recognises
# the register of the voice.

scope = otoscope.Scope("vowel-register")
vowels = find_sounds("vowels", by="register", limit=90, sample_rate=scope.sample_rate)
result = scope.subband_emphasis(vowels, n_bands=20, maximum_frequency=4000.0)
result.otoscope.plot()

# %%
# Registers differ in the fundamental frequency, which is where both curves are high. How far the two go together over
# all bands is their rank correlation; the sound itself is the comparison.

result[["correlation", "correlation_ci_low", "correlation_ci_high", "input_correlation"]].to_pandas().round(2)

# %%
# The other model has the same architecture and was trained on the same sounds to name the vowel. The classes are now
# the vowels, and both curves change.

namer = otoscope.Scope("vowel-name")
named = find_sounds("vowels", by="vowel", limit=120, sample_rate=namer.sample_rate)
namer.subband_emphasis(named, n_bands=20, maximum_frequency=4000.0).otoscope.plot()
