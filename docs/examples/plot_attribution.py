"""
Rules of relevance compared
===========================

What does it mean that a part of a sound drove a decision? Each rule of relevance has its own answer, and where they
agree it can be trusted more. Here they explain one synthesised vowel, of which the formants are known.
"""

import matplotlib.pyplot as plt
import numpy as np

import otoscope
from otoscope.data.vowels import vowel_clip
from otoscope.plots.occlusion import occlusion
from otoscope.plots.relevance import relevance_bands

vowel = vowel_clip("ah", "women")
f1, f2, f3, _ = vowel.attrs["formants"]
known = {"F1": f1, "F2": f2, "F3": f3}
print(", ".join(f"{name} {frequency:.0f} Hz" for name, frequency in known.items()))

scope = otoscope.Scope("vowel-name")

# %%
# One result for each rule. Integrated gradients, SmoothGrad and both occlusions are computed by Captum
# (``pip install otoscope[attribution]``).

rules = (
    "guided",
    "gradient",
    "gradient_x_input",
    "integrated_gradients",
    "smoothgrad",
    "occlusion",
    "frequency_occlusion",
)
results = {rule: scope.relevance(vowel, rule=rule) for rule in rules}
print("prediction:", results["guided"].attrs["target"])

# %%
# Their magnitudes over frequency, each in dB below its own peak. The dotted lines are the formants that were put in.

fig, axes = plt.subplots(len(rules), sharex=True, figsize=(5, 9), layout="constrained")
for ax, (rule, result) in zip(axes, results.items(), strict=True):
    magnitude = abs(result.relevance_spectrum)
    level = 20 * np.log10(magnitude / magnitude.max() + 1e-4)
    ax.plot(result.frequency / 1000, level, linewidth=0.8)
    ax.set(title=rule, ylim=(-60, 3), xlim=(0, 5))
    for frequency in known.values():
        ax.axvline(frequency / 1000, color="black", linestyle=":", linewidth=0.8)
axes[-1].set_xlabel("frequency (kHz)")
fig.supylabel("level (dB re peak)")

# %%
# How much of the squared magnitudes lies below 2 kHz, where the first two formants are? The plain gradient, which says
# what a change would do, reaches further up; times the sound it counts only where the sound has energy.

for rule, result in results.items():
    spectrum = result.relevance_spectrum.sel(frequency=slice(50, None)) ** 2
    print(f"{rule:22}{float(spectrum.sel(frequency=slice(50, 2000)).sum() / spectrum.sum()):.0%}")

# %%
# A gradient times the sound adds up: what third-octave bands have of the score sums to all of it, and a band may also
# speak against the class.

product = results["gradient_x_input"]
relevance_bands(product)
print(f"bands sum to {float(product.summed_relevance.sum()):.3f}, samples to {float(product.relevance.sum()):.3f}")

# %%
# Frequency occlusion asks most directly: the output without each band of the sound. The loss is largest around the
# first two formants; where it is below zero, the model is surer without the band.

ax = occlusion(results["frequency_occlusion"])
ax.set_xlim(0, 5)

# %%
# Occlusion in time, of the same vowel with silence before and after it: what is silent cannot be missed.

rate = scope.sample_rate
padded = np.pad(vowel.values, rate // 4)
occlusion(scope.relevance(padded, rule="occlusion", target="ah"))

# %%
# Integrated gradients account for the output: they sum to the logit less that of silence, but for the error of
# the quadrature.

result = scope.relevance(vowel, rule="integrated_gradients", steps=200)
print(
    f"sum {float(result.relevance.sum()):.3f}, logit less that of silence "
    f"{float(result.logit - result.baseline_logit):.3f}"
)

# %%
# As sound: the bands of the vowel, each as loud as the model needs it.

results["frequency_occlusion"].otoscope.play()
