"""
Figures as in the papers
========================

The figures of the four works that these methods come from, in the published layout, of any model and sound: vector
graphics of the width of a column, with embedded fonts. Here they are of the models that come with Otoscope and of
synthesised vowels, or of untrained networks where the layout is what matters.
"""

import tempfile
from pathlib import Path

import torch
from scipy.signal import chirp, firwin
from torch import nn

import otoscope
from otoscope.data.vowels import vowel_clip
from otoscope.plots.papers.change_panels import change_panels
from otoscope.plots.papers.class_spectra import class_spectra
from otoscope.plots.papers.filter_panels import filter_panels
from otoscope.plots.papers.flow_path import flow_path
from otoscope.plots.papers.kernel_panels import kernel_panels
from otoscope.plots.papers.layer_evolution import layer_evolution
from otoscope.plots.papers.layer_pairs import layer_pairs, model_pairs
from otoscope.plots.papers.relevance_formants import relevance_formants
from otoscope.plots.papers.relevance_pitch import relevance_pitch
from otoscope.plots.papers.relevance_signal import relevance_signal
from otoscope.plots.papers.response_panels import response_panels
from otoscope.plots.papers.skip_coherence import skip_coherence
from otoscope.plots.papers.time_shift import time_shift
from otoscope.training import ChangeRate

torch.manual_seed(0)
vowel = vowel_clip("ah", "women")
names, registers = otoscope.Scope("vowel-name"), otoscope.Scope("vowel-register")

# %%
# SWAM, figures 1 and 2: waveform, STRS and CRS; front ends side by side. ``figure.savefig("figure1.pdf")`` writes it.

front_ends = {"vowel names": names, "registers": registers}
axes = response_panels({name: scope.strs(vowel) for name, scope in front_ends.items()}, vowel)
figure = axes[0, 0].figure
figure.savefig(Path(tempfile.mkdtemp()) / "figure1.pdf")

# %%
# SWAM, figure 3: the CRS of classes. The band holds the middle 80 % of the clips at each frequency.

clips = {
    symbol: torch.stack([torch.as_tensor(vowel_clip(symbol, "men", f0=f0).values) for f0 in (100, 115, 130, 145)])
    for symbol in ("iy", "ah")
}
classes = {name: {one: scope.crs(waves) for one, waves in clips.items()} for name, scope in front_ends.items()}
class_spectra(classes)

# %%
# SWAM, figure 4: kernels in time and frequency, here of 7 and of 500 taps and of a trained layer of 320.

kernel_panels(
    {
        "7 taps": otoscope.Scope("fsdd-digit").wigner(),
        "320 taps": names.wigner(),
        "10 to 500 taps": otoscope.Scope("swam-multiresolution").wigner(),
    }
)

# %%
# SWAM, figure 5: the coherence of the weights of each layer, here before training. Circles are skip connections.

skip_coherence(otoscope.Scope("res-tssdnet").geometry())

# %%
# SimpleNet, figure 2: a sweep goes through low- and high-pass filters. Figure 1 has the same in time.

low, high = (torch.tensor(firwin(101, 0.5, pass_zero=one)) for one in (True, False))
first, second = nn.Conv1d(1, 2, 101, padding=50, bias=False), nn.Conv1d(2, 2, 101, padding=50, bias=False)
first.weight.data.copy_(torch.stack([low, high])[:, None])
second.weight.data.copy_(torch.stack([torch.stack([high, high]), torch.stack([high, low])]))
time = torch.arange(16_000) / 16_000
sweep = torch.tensor(0.5 * chirp(time.numpy(), 100, 1, 7900), dtype=torch.float32)

plain = otoscope.Scope(nn.Sequential(first, second), sample_rate=16_000)
flow = plain.data_flow(sweep, layer=["0", "1"], channels=[0, 1])
flow_path(flow)

# %%

flow_path(flow, of="waveform")

# %%
# SimpleNet, figure 3: with a maximum over two values behind each layer. What lay above the new limit lies below it.

pooled = otoscope.Scope(nn.Sequential(first, nn.MaxPool1d(2), second, nn.MaxPool1d(2)), sample_rate=16_000)
flow_path(pooled.data_flow(sweep, layer=["0", "1", "2", "3"], channels=[0, 1]))

# %%
# Thesis, figure 5.1: a sonification moves with the sound, exactly where the offset is a multiple of the hop.

padded = torch.nn.functional.pad(torch.as_tensor(vowel.values), (4000, 4000))
here, later = (names.sonify(wave, layer="pool1", channels=12) for wave in (padded, padded.roll(1440)))
time_shift(here, later, 1440)

# %%
# Thesis, figures A.1 and A.2: the top sounds of maps of every layer, and their sonifications.

vowels = [vowel_clip(symbol, group) for symbol in ("iy", "ah", "uw", "ae") for group in ("men", "women")]
options = {"k": 3, "n_maps": 2, "sounds": True, "duration": 0.2}
tops = {layer: names.top_activations(vowels, layer=layer, **options) for layer in ("pool1", "pool2", "relu3")}
layer_pairs(tops, maps=2)

# %%
# Thesis, figures 5.2 to 5.4: the same of two models.

others = {layer: registers.top_activations(vowels, layer=layer, **options) for layer in tops}
model_pairs({"vowel names": tops, "registers": others})

# %%
# Thesis, figures 5.5, A.3 and A.4: maps at the checkpoints of a training, which here is noise taken away.

run, state = Path(tempfile.mkdtemp()), otoscope.load("vowel-name").state_dict()
for step, noise in enumerate((1.0, 0.5, 0.2, 0.0)):
    spoiled = {name: weight + noise * weight.std() * torch.randn_like(weight) for name, weight in state.items()}
    torch.save(spoiled, run / f"step{step * 100}.pt")
layer_evolution({layer: names.evolution(vowel, checkpoints=run, layer=layer) for layer in tops})

# %%
# SimpleNet, figure 6: filters before and after.

filter_panels(names.filters(before=run / "step0.pt"))

# %%
# SimpleNet, figure 4: how fast filters change in a training, of two networks that learn to know two sounds apart.


def trained(*layers: nn.Module) -> ChangeRate:
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.LazyLinear(2))
    waves = torch.stack([one[0, :8000] for one in clips.values()])[:, None]
    model(waves)
    optimizer, rate = torch.optim.Adam(model.parameters(), lr=0.001), ChangeRate(model)
    with rate.watch(optimizer):
        for _ in range(30):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(waves), torch.tensor([0, 1])).backward()
            optimizer.step()
    return rate


deep = trained(
    nn.Conv1d(1, 16, 64, 2), nn.ReLU(), nn.Conv1d(16, 32, 32, 2), nn.ReLU(), nn.Conv1d(32, 64, 16, 2), nn.ReLU()
)
flat = trained(nn.Conv1d(1, 64, 256), nn.ReLU())
change_panels({"three layers": deep.result(), "one layer": flat.result()})

# %%
# Relevance signals, figure 3: a sound, its relevance signal, and the autocorrelation of the shaded segment of both.

relevance_signal(names.relevance(vowel), names.autocorrelation(vowel))

# %%
# Relevance signals, figures 4 and 6: F0 of both.

relevance_pitch(names.voice(vowel))

# %%
# Relevance signals, figure 5: spectra of two sounds and of the relevance signals of two systems.

sounds = {f"/ah/, {group}": vowel_clip("ah", group) for group in ("men", "women")}
relevance_formants(
    {name: {"names": names.voice(one), "registers": registers.voice(one)} for name, one in sounds.items()}
)
