"""A fictional city for demonstration and load tests, made from a seed: nothing in it is real."""
