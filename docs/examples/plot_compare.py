"""
Models side by side
===================

Two models of one architecture heard the same vowels in training. One learnt to name the vowel, the other to tell low
voices from high ones. What does each hear in the same sound, and what is the task's part in it?
"""
# sphinx_gallery_thumbnail_number = 2

import torch

import otoscope
from otoscope import demo, plots
from otoscope.data.vowels import vowel_clip
from otoscope.plots.compare import compare_bands, compare_difference

# %%
# A vowel with known fundamental frequency and formants, and both models; a third one of the same architecture was never
# trained, and shows what of a picture comes from the method alone.

vowel = vowel_clip("ah", "women")
known = {"F0": vowel.attrs["f0"]} | {f"F{i}": f for i, f in enumerate(vowel.attrs["formants"][:2], start=1)}
namer = otoscope.Scope(otoscope.load("vowel-name"))
listener = otoscope.Scope(otoscope.load("vowel-register"))
with torch.random.fork_rng():
    torch.manual_seed(0)
    untrained = otoscope.Scope(otoscope.load("vowelnet", classes=namer.classes), name="untrained")

# %%
# Everything that two of them hear, on the same axes and with the same range in dB:

result = otoscope.compare([namer, listener], vowel, marks=known)
result.otoscope.plot()

# %%
# Where the energy of the relevance lies, in third-octave bands. Grey is the sound itself: the register model attends to
# a fundamental that is weak in the sound, the other one to the second formant.

three = otoscope.compare([namer, listener, untrained], vowel, marks=known)
compare_bands(three)

# %%
# How much each pair has in common, 1 being all of it:

three.band_overlap.to_pandas().round(2)

# %%
# Where one picture lies above the other:

compare_difference(result)

# %%
# The relevance of each as sound, as loud as the vowel: first the namer ...

result.otoscope.play(model="vowel-name")

# %%
# ... then the listener to the register.

result.otoscope.play(model="vowel-register")

# %%
# One vowel is no proof. In 108 vowels of men, women and children the two differ as their tasks do, well beyond the
# intervals of the means. The untrained network has much of its relevance at the formants, too: there the sound is
# strongest, and guided backpropagation recovers part of the sound, whatever was learnt.

plots.plot(demo.vowel_shares([namer, listener]))
