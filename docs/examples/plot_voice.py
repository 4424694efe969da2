"""
The voice in a relevance signal
===============================

A relevance signal is a signal: it has a pitch, formants and a period, which can be measured as in the sound itself.
Two models with one architecture, which heard the same sounds in training, keep different ones.
"""

import otoscope
from otoscope.data.vowels import vowel_clip
from otoscope.plots.voice import voice_spectrum

# %%
# A vowel with known fundamental frequency and formants:

vowel = vowel_clip("ah", "women")
print(f"F0 {vowel.attrs['f0']:.0f} Hz, formants", [round(f) for f in vowel.attrs["formants"]])
vowel.otoscope.play()

# %%
# What the model that names vowels makes of it: F0, formants, and the spectrum of a segment, of the sound and of the
# relevance.

namer = otoscope.Scope("vowel-name")
voice = namer.voice(vowel, segment_start=0.2, segment_stop=0.3)
voice.otoscope.plot()

# %%
# F1 and F2 are where they are in the sound:

print(voice.median_formants.sel(formant=[1, 2]).to_pandas().round())

# %%
# The relevance of the model that judges the register of the voice is strongest at F0 and falls from there; what is
# marked as F1 and F2 are poles off the formants.

listener = otoscope.Scope("vowel-register")
ax = voice_spectrum(listener.voice(vowel, segment_start=0.2, segment_stop=0.3))

# %%
# Both are as periodic as the sound:

listener.autocorrelation(vowel, segment_start=0.2, segment_stop=0.3).otoscope.plot()

# %%
# The relevance itself, as loud as the vowel:

namer.relevance(vowel).otoscope.play()
