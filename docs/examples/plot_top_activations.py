"""
The sounds that excite a feature map most
=========================================

What does a feature map respond to? Look through a data set for the sounds in which it is most active, and listen to
what they have in common.
"""

import otoscope
from otoscope.data.vowels import SYMBOLS, vowel_clip

# %%
# The data set: every vowel at three pitches.

vowels = [vowel_clip(symbol, group) for symbol in SYMBOLS for group in ("men", "women", "children")]

# %%
# For every map of the last convolution the five vowels that excite it most. Maps are sorted by their strongest
# activation; those on the right never answer.

scope = otoscope.Scope("vowel-name")
top = scope.top_activations(vowels, layer="relu3", k=5)
top.otoscope.plot()

# %%
# The three strongest maps: which vowels are theirs?

sounds = scope.top_activations(vowels, layer="relu3", k=5, sounds=True, duration=0.2)
for channel in sounds["channel"].values:
    print(f"map {channel}:", ", ".join(sounds["clip_name"].sel(channel=channel).values))

# %%
# Left the vowels around the time of the strongest activation, right what the map makes of them.

sounds.otoscope.plot()

# %%
# The first of the strongest map, as it went in:

strongest = int(sounds["channel"][0])
sounds["input"].otoscope.play(channel=strongest, rank=1)

# %%
# And what the map makes of it:

sounds.otoscope.play(channel=strongest, rank=1)
