"""Figures as the papers have them: several results in the layout of the published figure, for print.

Each is a function of results in a file of its own, and draws in a style, "paper" by default.

====================== ==================================================================
file                   figures
====================== ==================================================================
``response_panels``    SWAM 1 and 2: waveform, STRS and CRS, front ends side by side
``class_spectra``      SWAM 3: CRS of classes with their spread, models side by side
``kernel_panels``      SWAM 4: kernels in time and frequency, front ends side by side
``skip_coherence``     SWAM 5: coherence of layers, skip connections circled
``flow_path``          SimpleNet 1 to 3: maps with the filters between them
``change_panels``      SimpleNet 4: how fast filters change, networks side by side
``filter_panels``      SimpleNet 6: filters before and after training
``layer_pairs``        thesis 5.2 to 5.4, A.1 and A.2: inputs and sonifications
``layer_evolution``    thesis 5.5, A.3 and A.4: maps at the checkpoints of a training
``time_shift``         thesis 5.1: sonification of a sound, and of the sound moved
``relevance_signal``   relevance signals 3: sound, relevance and their autocorrelation
``relevance_pitch``    relevance signals 4 and 6: sound, relevance and F0 of both
``relevance_formants`` relevance signals 5: spectra under their envelopes
====================== ==================================================================
"""
