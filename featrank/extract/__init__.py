"""The only forward loop: images in, features of all wanted layers out, in one pass."""
