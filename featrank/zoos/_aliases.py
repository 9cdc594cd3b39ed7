"""The spellings people type, as timm's architecture names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

# torchvision's names, and short forms that no rule below yields.
ALIASES: dict[str, str] = {
    "efficientnet_v2_s": "tf_efficientnetv2_s",
    "efficientnet_v2_m": "tf_efficientnetv2_m",
    "efficientnet_v2_l": "tf_efficientnetv2_l",
    "efficientnetv2_s": "tf_efficientnetv2_s",
    "efficientnetv2_m": "tf_efficientnetv2_m",
    "efficientnetv2_l": "tf_efficientnetv2_l",
    "efficientnet_b6": "tf_efficientnet_b6",
    "efficientnet_b7": "tf_efficientnet_b7",
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
    "mobilenetv2": "mobilenetv2_100",
    "mobilenetv3_small": "mobilenetv3_small_100",
    "mobilenetv3_large": "mobilenetv3_large_100",
    "mnasnet0_5": "mnasnet_050",
    "mnasnet0_75": "mnasnet_075",
    "mnasnet1_0": "mnasnet_100",
    "resnext50": "resnext50_32x4d",
    "resnext101": "resnext101_32x8d",
    "swin_t": "swin_tiny_patch4_window7_224",
    "swin_s": "swin_small_patch4_window7_224",
    "swin_b": "swin_base_patch4_window7_224",
    "swin_l": "swin_large_patch4_window7_224",
    "swin_v2_t": "swinv2_tiny_window8_256",
    "swin_v2_s": "swinv2_small_window8_256",
    "swin_v2_b": "swinv2_base_window8_256",
    "maxvit_t": "maxvit_tiny_tf_224",
    "inception": "inception_v3",
    "vit_h_14": "vit_huge_patch14_224",
}

_SIZES = {
    "t": "tiny", "s": "small", "b": "base", "l": "large", "h": "huge", "g": "giant", "xl": "xlarge",
}  # fmt: skip
_SIZE = "|".join([*_SIZES, *_SIZES.values(), "ti"])


def expand_alias(text: str, known: Collection[str]) -> str | None:
    """The architecture that a spelling means.

    Args:
        text: As typed, without a tag: ``ViT-B/16``, ``resnet-50``, ``vit_b_16``.
        known: The architectures to choose from.

    Returns:
        One of ``known``, or None.
    """
    if text in known:
        return text
    plain = re.sub(r"[-_/\s]+", "_", text.strip().lower().removeprefix("timm/")).strip("_")
    for candidate in (plain, ALIASES.get(plain), _by_rule(plain)):
        if candidate in known:
            return candidate
    squashed = plain.replace("_", "")
    same = [name for name in (*known, *ALIASES) if name.replace("_", "") == squashed]
    targets = {ALIASES.get(name, name) for name in same} & set(known)
    return targets.pop() if len(targets) == 1 else None


def _size(text: str) -> str:
    return "tiny" if text == "ti" else _SIZES.get(text, text)


def _patched(match: re.Match[str]) -> str:
    family, size, patch, pixels = match.groups()
    return f"{family}_{_size(size)}_patch{patch}_{pixels or 224}"


def _mixer(match: re.Match[str]) -> str:
    return f"mixer_{match[1]}{match[2]}_224"


def _dino(match: re.Match[str]) -> str:
    return f"vit_{_size(match[2])}_patch{match[3]}_{match[1]}"


def _convnext(match: re.Match[str]) -> str:
    return f"{match[1]}_{_size(match[2])}"


def _swin(match: re.Match[str]) -> str:
    short = "_".join(filter(None, ["swin", match[1], _size(match[2])[0]]))
    return ALIASES.get(short, short)


def _regnet(match: re.Match[str]) -> str:
    """timm counts RegNet's work in units of 100 MF: ``regnet_y_1_6gf`` is ``regnety_016``."""
    kind, whole, last, unit = match.groups()
    amount = float(f"{whole}.{last}" if whole else last)
    hundreds = round(amount * 10 if unit == "gf" else amount / 100)
    return f"regnet{kind}_{hundreds:03d}"


_RULES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (rf"(vit|deit|deit3|beit|beitv2)_?({_SIZE})_?(?:patch)?_?(\d+)(?:_(\d+))?", _patched),
    (r"(?:mlp_)?mixer_?([sbl])_?(\d+)", _mixer),
    (rf"(dinov2|dinov3)_?(?:vit)?_?({_SIZE})_?(?:patch)?_?(\d+)", _dino),
    (rf"(convnext|convnextv2)_?({_SIZE})", _convnext),
    (rf"swin_?(v2)?_?({_SIZE})", _swin),
    (r"regnet_?([xy])_?(?:(\d+)_)?(\d+)(mf|gf)", _regnet),
)


def _by_rule(plain: str) -> str | None:
    """The architecture that a compact form abbreviates."""
    for pattern, spell in _RULES:
        if match := re.fullmatch(pattern, plain):
            return spell(match)
    return None
