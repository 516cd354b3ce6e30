"""Measures of what the README and the issues promise. Nothing here is asserted in a timed test."""
