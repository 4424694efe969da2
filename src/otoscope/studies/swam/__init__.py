"""Gupta and Abrol (2022): response spectra and geometry of weights."""
