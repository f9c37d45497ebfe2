"""The benchmark: this product beside what a user would pick instead."""
