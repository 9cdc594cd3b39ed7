"""featrank: which pretrained model, and which of its layers, should I start from?"""

from importlib.metadata import version

__version__ = version("featrank")
