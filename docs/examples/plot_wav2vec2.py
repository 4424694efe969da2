"""
What does wav2vec 2.0 listen to?
================================

A wav2vec 2.0 has no filter bank that one could read: seven strided convolutions, a convolution for positions and a
transformer. The same methods look into it. Here a small one learns two tasks on the same synthesised vowels, whose F0
and formants are known: which vowel it is, and whether the voice is high, mid or low. Everything is trained here, in
some seconds; for speech there is ``otoscope train laptop/beyond/wav2vec2``, for other networks ``otoscope study
beyond``.
"""
# sphinx_gallery_thumbnail_number = 2

import numpy as np
import torch

import otoscope
from otoscope.data.find import find_sounds
from otoscope.data.vowels import vowel_clip

# %%
# Two networks of one shape learn from 180 of 240 vowels each, by what is asked of them.


def initial(classes):
    torch.manual_seed(0)
    model = otoscope.load("wav2vec2", n_classes=len(classes), channels=32, width=32, dropout=0.0)
    model.classes = tuple(classes)
    return model


def learn(task, steps):
    vowels = find_sounds("vowels", by=task)
    waves = torch.from_numpy(np.stack([item.sound.values[:4000] for item in vowels]))[:, None]
    labels = [item.labels[0] for item in vowels]
    model = initial(sorted(set(labels)))
    truth = torch.tensor([model.classes.index(label) for label in labels])
    order = torch.randperm(len(waves))
    rest, held_out = order[60:], order[:60]
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(steps):
        drawn = rest[torch.randint(len(rest), (32,))]
        loss = torch.nn.functional.cross_entropy(model(waves[drawn]), truth[drawn])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        right = (model.eval()(waves[held_out]).argmax(1) == truth[held_out]).float().mean()
    print(f"{task}: {right:.0%} of the vowels that were held out, chance is {1 / len(model.classes):.0%}")
    return model


namer, judge = learn("vowel", 200), learn("register", 100)
scopes = {
    "vowel": otoscope.Scope(namer, name="vowel"),
    "register": otoscope.Scope(judge, name="register"),
    "untrained": otoscope.Scope(initial(namer.classes).eval(), name="untrained"),
}

# %%
# Where is F0, where are the formants, in what matters to each? The relevance of "iy" in a man's voice, beside the
# sound.

vowel = vowel_clip("iy", "men")
scopes["vowel"].voice(vowel).otoscope.plot()

# %%
# The network that judges the register, on the same sound:

scopes["register"].voice(vowel).otoscope.plot()

# %%
# One sound is an anecdote. Of 24 vowels of men and women: in how many are F0, F1 and F2 measured in the relevance what
# they are known to be? The last row is a network that has learned nothing: what it has as often, training did not
# bring. What is measured in the sounds themselves shows how far the measurement is right.

for name, scope in scopes.items():
    found = scope.vowels(groups=["men", "women"], limit=24)
    right = (abs(found.measured - found.known) <= found.deviation).mean("token")
    print(name, {signal: right.sel(signal=signal).round(2).to_series().to_dict() for signal in ("relevance", "input")})

# %%
# How much of the sound is left in each layer? The sonifications of the seven convolutions lose their coherence with the
# sound step by step; those of the transformer see all of the clip.

clips = [vowel_clip(name, group) for name in ("ah", "iy", "uw") for group in ("men", "women")]
scopes["vowel"].coherence(clips).otoscope.plot()

# %%
# Each of the seven convolutions has a stride, and no filter before it drops what lies above the new limit. A pooling
# by a maximum smooths first; a stride folds what the kernels let through.

scopes["vowel"].aliasing(vowel).otoscope.plot()

# %%
# Do the maps of the last convolution prefer frequencies? Their answer to sines:

scopes["vowel"].tuning(layer="encoder.6.gelu").otoscope.plot()

# %%
# And the map that is most active in the first layer and in the last convolution, to listen to:

scopes["vowel"].sonify(vowel, layer="encoder.0.gelu").otoscope.play()

# %%

scopes["vowel"].sonify(vowel, layer="encoder.6.gelu").otoscope.play()
