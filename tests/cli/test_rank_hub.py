"""One run against a hub that fails every model but one in its own way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loopback_hub import LoopbackHub

BAD = {
    "test_vit": "401", "test_efficientnet": "404", "test_convnext": "429", "test_nfnet": "500",
    "test_convnext2": "wrong checksum", "test_byobnet": "cut short",
}  # fmt: skip
SAYS = {
    "401": "refused access", "404": "has no timm/", "429": "wants fewer requests",
    "500": "failed to serve", "wrong checksum": "checksum mismatch", "cut short": "checksum",
}  # fmt: skip


def test_every_failure_gives_a_row_and_the_others_go_on(
    featrank_process: Any, tmp_path: Path
) -> None:
    import timm
    from safetensors.torch import save

    def key(name: str) -> str:
        tag = timm.models.get_pretrained_cfg(name).tag
        return f"timm/{name}.{tag}/model.safetensors"

    content = save(timm.create_model("test_resnet", pretrained=False).state_dict())
    arguments = (
        "rank", "--dataset", "clipart", "--models", ",".join([*BAD, "test_resnet"]),
        "--limit-per-class", 3, "--workers", 0, "-o",
    )  # fmt: skip
    with LoopbackHub({key("test_resnet"): content}) as hub:
        hub.retry_after = 0
        for name, fault in BAD.items():
            if fault.isdecimal():
                hub.statuses[key(name)] = int(fault)
            else:
                hub.files[key(name)] = content
                hub.etags[key(name)] = "ab" * 32
        hub.files[key("test_byobnet")] = content[:1000]
        ended = featrank_process(*arguments, tmp_path / "a.json", HF_ENDPOINT=hub.url)
        assert ended.returncode == 3, ended.stderr
        rows = {r["requested"]: r for r in json.loads((tmp_path / "a.json").read_text())["rows"]}
        assert rows["test_resnet"]["status"] == "ok"
        for name, fault in BAD.items():
            assert rows[name]["status"] == "failed"
            assert SAYS[fault] in rows[name]["reason"], rows[name]
        assert "Traceback" not in ended.stdout + ended.stderr
        # The cache is left usable: the same names, served well, are found missing and fetched.
        hub.statuses.clear()
        hub.etags.clear()
        hub.files = {
            key(name): save(timm.create_model(name, pretrained=False).state_dict())
            for name in ("test_resnet", *BAD)
        }
        again = featrank_process(*arguments, tmp_path / "b.json", HF_ENDPOINT=hub.url)
        assert again.returncode == 0, again.stdout
        hub.requests.clear()
        third = featrank_process(*arguments, tmp_path / "c.json", HF_ENDPOINT=hub.url)
        assert third.returncode == 0
        assert hub.requests == []
