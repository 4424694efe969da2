"""
Explain an anti-spoofing decision
=================================

A detector of spoofed speech says "spoofed". Is it the voice that gave the spoof away, or some trace of the tools that
made the file? Here the answer is known, for the trace was planted: so the explanation can be checked.
"""

import numpy as np
import torch

import otoscope
from otoscope.data.vowels import SYMBOLS, vowel_clip
from otoscope.models.vowelnet import VowelNet

# %%
# The data: vowels as they are, and "spoofed" ones, in which the synthesiser has left a faint tone at 6 kHz, as
# upsampling without a filter does. Its amplitude is a tenth of the vowel's.

rng = np.random.default_rng(0)
rate, cue = 16_000, 6000.0
vowels = np.stack(
    [
        vowel_clip(symbol, group, f0=f0, duration=0.25).values
        for symbol in SYMBOLS
        for group, f0 in (("men", rng.uniform(90, 160)), ("women", rng.uniform(160, 260)))
    ]
)
tone = 0.05 * np.sin(2 * np.pi * cue * np.arange(vowels.shape[1]) / rate)


def batch(clips, spoofed):
    """Clips at random levels in a little noise, and with the tone where they are spoofed."""
    levels = rng.uniform(0.3, 1.0, (len(clips), 1))
    noise = rng.normal(0, 0.001, clips.shape)
    return torch.tensor(levels * (clips + spoofed[:, None] * tone) + noise, dtype=torch.float32)[:, None]


# %%
# A small network learns to tell them apart; it takes some seconds. With the weights that Hua et al. published for
# Inc-TSSDNet, ``Scope(otoscope.load("inc-tssdnet", weights=...))`` does all that follows on real spoofs.

torch.manual_seed(0)
model = VowelNet(["bona fide", "spoofed"], channels=(24, 24, 24), kernels=(80, 9, 5), stride=2, name="detector")
optimiser = torch.optim.Adam(model.parameters(), 5e-3)
model.train()
for _ in range(120):
    chosen, spoofed = rng.integers(len(vowels), size=16), rng.integers(2, size=16)
    loss = torch.nn.functional.cross_entropy(model(batch(vowels[chosen], spoofed)), torch.tensor(spoofed))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
model.eval()
print(f"loss at the end: {loss.item():.3f}")

# %%
# A vowel as it was and as a spoof, and what the detector says. Listen closely to the spoof: there is a faint whistle.

vowel = vowel_clip("ah", "women", duration=0.25).values
spoof = vowel + tone
scope = otoscope.Scope(model)
for name, sound in (("as it was", vowel), ("spoofed", spoof)):
    scores = scope.output(sound)[0].softmax(0)
    print(f"{name:10}", {c: f"{p:.1%}" for c, p in zip(scope.classes, scores.tolist(), strict=True)})

scope.clip(spoof).otoscope.play()

# %%
# Which part of the sound spoke for "spoofed"? Nearly all of the relevance lies at 6 kHz.

relevance = scope.relevance(spoof, target="spoofed", against="bona fide", rule="gradient_x_input")
relevance.otoscope.plot()

# %%

print(f"largest at {float(relevance.peak_frequency):.0f} Hz")

# %%
# A picture is no proof. The test is to take the band away: without it the detector takes the spoof for bona fide,
# and without as much of any other band it does not.

taken = scope.taken_away(spoof, rule="gradient_x_input", target="spoofed").sel(domain="band")
print(f"without {float(taken.taken_low):.0f} to {float(taken.taken_high):.0f} Hz it says {taken.taken_answer.item()}")
print(taken[["elsewhere_count", "elsewhere_changed"]].to_dataframe())

# %%
# So this detector knows one tool and not what a voice is; a spoof made by another tool would pass. All of it to listen
# to and to look into:

scope.explore(spoof, rule="gradient_x_input", n_maps=3)
