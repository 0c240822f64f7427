"""Benchmarks: every figure beside its limit in the same run."""
