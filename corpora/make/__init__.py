"""Generators of the three sample corpora: `python -m corpora.make` writes corpora/*/documents.

The content is data under `texts/` (our own words about invented things); the modules only lay it out.
Every file comes out byte for byte the same on each run: dates are fixed, archives are stored with a fixed
time, PDF streams are not compressed, and nothing is drawn by chance.
"""
