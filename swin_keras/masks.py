"""Masks: what stands for a pixel without a class."""

IGNORED = 255  # pixels that neither teach nor count
