"""epuredgm: train, sample and compare generative model families on multi-component engineering images."""

__version__ = "0.1.0"
