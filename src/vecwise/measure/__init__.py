"""Vectors in, answers out: norms, similarity, nearest neighbours, components and health."""
