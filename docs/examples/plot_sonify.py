"""
The sound of a feature map
==========================

What does an inner feature map hear? Its own activations are carried back to the waveform, through every layer below,
and make a sound of the length of the input.
"""

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# The sound that goes in:

vowel = vowel_clip("ah", "women")
vowel.otoscope.play()

# %%
# The six most active maps after the second pooling, as spectrograms. A triangle marks the time of the strongest
# activation.

scope = otoscope.Scope("vowel-name")
maps = scope.sonify(vowel, layer="pool2", n_maps=6)
maps.otoscope.plot()

# %%
# The most active of them, to be heard:

first, second = maps.channel.values[:2]
maps.otoscope.play(channel=first)

# %%
# And the next:

maps.otoscope.play(channel=second)

# %%
# All maps of the layer at once: how much of the vowel is left at this depth?

layer = scope.sonify(vowel, layer="pool2", channels="layer")
layer.otoscope.plot()

# %%

layer.otoscope.play()

# %%
# The strongest activation alone depends on no more than its receptive field, a few hundredths of a second of sound.

peak = scope.sonify(vowel, layer="pool2", channels=int(first), peak=True)
ax = peak.otoscope.plot()
time = float(peak.peak_time[0])
ax.set_xlim(time - 0.05, time + 0.05)
