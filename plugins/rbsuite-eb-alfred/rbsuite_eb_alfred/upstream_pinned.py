"""What is known about EB-ALFRED's data: the commits it was tested with, and the digest of the pack made from them."""

from __future__ import annotations

REPOSITORY = "EmbodiedBench/EmbodiedBench"
COMMIT = "b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04"

ALFRED_REPOSITORY = "askforalfred/alfred"
ALFRED_COMMIT = "f91f4c0c96c7a29f33d0557f86b0a21035379b3b"

PACK_DIGEST = "f034058d5c2bb229b0047be77f7034302315d80fa78f4e91cb2340d252db30fb"
"""Digest of the content of the pack made from both, over the digests of its tables by file name."""
