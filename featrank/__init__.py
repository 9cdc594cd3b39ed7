"""featrank: which pretrained model, and which of its layers, should I start from?"""


def __getattr__(name: str) -> str:
    """``__version__``, read when it is asked for: that takes a tenth of the time of --help."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("featrank")
