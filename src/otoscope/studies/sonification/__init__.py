"""Yadav (2022): sonification of feature maps."""
