"""A fictional city for demonstration and load tests, made from a seed: nothing in it is real."""

from gisapp.demo.load import load_demo

__all__ = ["load_demo"]
