"""What the tag of timm's weights says of the data they were trained on."""

from __future__ import annotations

import re

# The words of tags that name data, as they stand there.
_DATA = re.compile(
    r"in1k|in12k|in21k|in22k|inw21k|inat21|bamboo|cc12m|redcaps|jft|ig1b|ig2b|ig3p6b|swag|seer"
    r"|yfcc15m|yfcc100m|laion2b|laion400m|laiona|openai|dfn2b|dfn5b|dfndr2b|datacompxl|datacomp1b"
    r"|datacomp|metaclip|metaclip2|merged2b|m30m|m38m|webli|lvd142m|lvd1689m|sat493m|commonpool"
    r"|objects365|coco|refcoco|ade20k|sa1b"
)


def pretraining_data(tag: str) -> tuple[str, ...]:
    """The data sets that a tag names, in its order: ``augreg_in21k_ft_in1k`` gives in21k, in1k.

    Where the tag tells of fine-tuning, that is the order of training. Empty where it names none.
    """
    words = re.split(r"[_.-]", tag)
    return tuple(dict.fromkeys(word for word in words if _DATA.fullmatch(word)))
