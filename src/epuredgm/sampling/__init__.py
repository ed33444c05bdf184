"""One sampler for every family and mode."""
