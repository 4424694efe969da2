"""
Integrated gradients for raw waveforms
======================================

How much did each sample of a sound add to a decision? Integrated gradients follow the sound from silence to what it is,
and sum the gradients on the way. What they give adds up to the change of the output, so that parts of a sound can be
compared in the unit of the logit. Any PyTorch module that takes waveforms will do.
"""
# sphinx_gallery_thumbnail_number = 1

import otoscope
from otoscope.data.vowels import vowel_clip
from otoscope.plots.relevance import relevance_bands

# %%
# A synthesised vowel, of which the formants are known, and a small network that names vowels. Of your own model it is
# ``otoscope.Scope(model, sample_rate=16_000)``. The integral is computed by Captum
# (``pip install otoscope[attribution]``).

vowel = vowel_clip("ah", "women")
scope = otoscope.Scope("vowel-name")
result = scope.relevance(vowel, rule="integrated_gradients", steps=100)
result.otoscope.plot()

# %%
# Does it add up? The sum over all samples has to be the logit less that of silence. What it lacks is the error of the
# sum that stands for the integral: more steps make it smaller.

print(f"change of the logit {float(result.logit - result.baseline_logit):.3f}")
for steps in (10, 30, 100):
    one = scope.relevance(vowel, rule="integrated_gradients", steps=steps)
    print(f"{steps:4} steps: sum {float(one.relevance.sum()):.3f}, lacking {float(one.completeness_gap):+.3f}")

# %%
# The same sum in bands of a third of an octave, in the unit of the logit: what spoke for "ah", and what against it.

f1, f2, *_ = vowel.attrs["formants"]
print(f"F1 is at {f1:.0f} Hz, F2 at {f2:.0f} Hz")
relevance_bands(result)

# %%
# As sound, at the level of the vowel, which comes first:

result.otoscope.play()

# %%
# Does the map depend on what the model has learnt? With weights drawn again it has to change. The control compares
# both, and the map with the sound, by the correlation of their spectrograms; 1 means that they are the same.

control = scope.control(vowel, rule="integrated_gradients", steps=20)
low, high = float(control.control_random_low), float(control.control_random_high)
print(
    f"like those of ten models with random weights: {float(control.control_random):.2f}, from {low:.2f} to {high:.2f}"
)
print(f"like the sound itself: {float(control.control_sound):.2f}")

# %%
# The map as a page: click to seek, drag to loop, and switch between the vowel and its relevance.

result.otoscope.show()
