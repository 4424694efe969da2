"""
Periodicity of a relevance signal
=================================

Is the relevance of a voice as periodic as the voice itself? The autocorrelation of a short segment of both shows it.
"""

import numpy as np

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# A vowel whose fundamental frequency is 200 Hz, and the model that judges the register of the voice:

vowel = vowel_clip("ah", "women", f0=200)
listener = otoscope.Scope("vowel-register")
result = listener.autocorrelation(vowel, segment_start=0.2, segment_stop=0.25)
result.otoscope.plot()

# %%
# Both have their highest peak at the period, which is 5 ms:

print(result[["period", "periodicity"]].to_pandas())

# %%
# Noise has no period, and neither has its relevance.

noise = np.random.default_rng(0).standard_normal(8000)
listener.autocorrelation(noise, segment_start=0.2, segment_stop=0.25).otoscope.plot()
