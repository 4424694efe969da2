"""
The response to one frame
=========================

What does the first layer make of one frame of a sound?
"""

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# One frame of a vowel: its own spectrum, in which harmonics stand on formants, and what the first layer makes of it.

vowel = vowel_clip("ah", "men")
print(f"F0 {vowel.attrs['f0']:.0f} Hz, formants at", *map(round, vowel.attrs["formants"]), "Hz")
scope = otoscope.Scope("vowel-name")
frame = scope.frame_response(vowel)
frame.otoscope.plot()

# %%
# The frame of most energy was taken, and the layer emphasises the first formant of this vowel.

print(f"frame at {float(frame.frame_time):.3f} s, largest response at {float(frame.peak_frequency):.0f} Hz")

# %%
# A model that names the register of the voice makes something else of the same frame.

otoscope.Scope("vowel-register").frame_response(vowel, time=float(frame.frame_time)).otoscope.plot()
