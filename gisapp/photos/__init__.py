"""Photos of features: who may, where the bytes lie, what a picture is, what becomes of it."""
