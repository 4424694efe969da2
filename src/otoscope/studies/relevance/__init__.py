"""Muckenhirn et al. (2019): relevance signals of raw-waveform networks."""
