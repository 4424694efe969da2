"""
The voice in a relevance signal
===============================

A relevance signal is a signal: it has a pitch, formants and a period, which can be measured as in the sound itself.
Two models with one architecture, which heard the same sounds in training, keep different ones.
"""

import otoscope
from otoscope import plots
from otoscope.data.aev import vowel_tokens
from otoscope.data.vowels import vowel_clip

# %%
# A vowel with known fundamental frequency and formants:

vowel = vowel_clip("ah", "women")
print(f"F0 {vowel.attrs['f0']:.0f} Hz, formants", [round(f) for f in vowel.attrs["formants"]])
vowel.otoscope.play()

# %%
# What the model that names vowels makes of it: F0, formants, and the spectrum of a segment, of the sound and of the
# relevance.

namer = otoscope.Scope(otoscope.load("vowel-name"))
voice = namer.voice(vowel, start=0.2, stop=0.3)
voice.otoscope.plot()

# %%
# F1 and F2 are where they are in the sound:

print(voice.median_formants.sel(formant=[1, 2]).to_pandas().round())

# %%
# The relevance of the model that judges the register of the voice is strongest at F0 and falls from there; what is
# marked as F1 and F2 are poles off the formants.

listener = otoscope.Scope(otoscope.load("vowel-register"))
ax = plots.voice_spectrum(listener.voice(vowel, start=0.2, stop=0.3))

# %%
# Both are as periodic as the sound:

listener.autocorrelation(vowel, start=0.2, stop=0.3).otoscope.plot()

# %%
# Over many vowels: the share of those whose F0, F1 and F2, measured in the relevance, are within one standard deviation
# of what they are known to be. Below, the same measured in the sound, which says how far the measurement is right.

tokens = vowel_tokens(groups=["men", "women"], limit=24)
namer.vowels(tokens).otoscope.plot()

# %%
# The relevance itself, as loud as the vowel:

namer.relevance(vowel).otoscope.play()
