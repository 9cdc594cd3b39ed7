"""A network's layers: their names, finding, tracing, pooling, and the index of them."""

# Part of the cache key: raised whenever the same image and weights may give other features.
EXTRACTOR_VERSION = 2
