"""
Relevance of a sound for a decision
===================================

Which part of a sound drove a decision? The logit of a class is carried back to the waveform, and what arrives there
is a signal as long as the sound: it has a spectrum, and it can be played.
"""
# sphinx_gallery_thumbnail_number = 2

import otoscope
from otoscope.data.vowels import vowel_clip
from otoscope.plots.relevance import relevance_spectrum

# %%
# A vowel with known fundamental frequency and formants:

vowel = vowel_clip("ah", "women")
f1, f2, f3, _ = vowel.attrs["formants"]
known = {"F0": vowel.attrs["f0"], "F1": f1, "F2": f2, "F3": f3}
print(", ".join(f"{name} {frequency:.0f} Hz" for name, frequency in known.items()))
vowel.otoscope.play()

# %%
# The relevance is that of the class which the model chose, unless another one is asked for.

namer = otoscope.Scope("vowel-name")
relevance = namer.relevance(vowel)
print("prediction:", relevance.attrs["target"])

# %%
# Over time, over frequency, and over both:

relevance.otoscope.plot()

# %%
# As sound, made as loud as the vowel:

relevance.otoscope.play()

# %%
# The model that names vowels listens where the first two formants are ...

ax = relevance_spectrum(relevance, marks=known)
ax.set_xlim(0, 4)

# %%
# ... and the one that judges the register of the voice, at the fundamental.

listener = otoscope.Scope("vowel-register")
ax = relevance_spectrum(listener.relevance(vowel), marks=known)
ax.set_xlim(0, 4)

# %%
# Guided backpropagation is known to recover part of the input whatever the model has learned. The plain gradient is
# the first thing to compare with: does its energy lie in the same range?

for rule in ("guided", "gradient"):
    spectrum = namer.relevance(vowel, rule=rule).relevance_spectrum
    low = spectrum.sel(frequency=slice(50, 2000))
    share = float((low**2).sum() / (spectrum**2).sum())
    print(f"{rule}: {share:.0%} of the energy lies between 50 Hz and 2 kHz")
