"""
Control of a relevance
======================

A relevance can look convincing and say nothing of the decision. Its control compares the picture with that of another
class, with those of networks with random weights, and with the sound.
"""

import otoscope
from otoscope.data.vowels import vowel_clip

# %%
# A vowel, and the model that names it. By guided backpropagation the picture of the vowel is nearly that of the
# runner-up:

vowel = vowel_clip("ah", "women", duration=0.5)
listener = otoscope.Scope("vowel-name")
guided = listener.control(vowel)
guided.otoscope.plot()

# %%

print(guided.control_verdict.item())
print(guided[["control_runner_up", "control_random", "control_sound"]].to_pandas())

# %%
# The plain gradient times the sound differs from class to class, and depends on what was learnt:

product = listener.control(vowel, rule="gradient_x_input")
product.otoscope.plot()
print(product.control_verdict.item())
