"""Shared layers and mathematics of the families: networks, embeddings, heads, Gaussians, solvers."""
