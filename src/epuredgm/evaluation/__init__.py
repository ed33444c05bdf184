"""Samples against real designs: geometry, distances, resampling, metrics and their summary over runs."""
