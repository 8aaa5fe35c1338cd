"""What is known about EB-Habitat's data: the files of EmbodiedBench/EmbodiedBench, commit b24793607b7c, by their hashes.

That repository keeps the pickles in Git LFS; their oids there are the hashes below. zjunlp/WorldMind contains the files themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REPOSITORY = "EmbodiedBench/EmbodiedBench"
COMMIT = "b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04"

ARCHIVE_REPOSITORY = "zjunlp/WorldMind"
ARCHIVE_COMMIT = "4aa928805e74f6cacd98b61443759e7e8910e8e6"
"""Archives of a forge contain Git LFS pointers, not the files; this repository has the same files outside of LFS."""


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A set's file at the pinned commit.

    Attributes:
        sha256: of the pickle, in hexadecimal digits.
        episodes: digest (:func:`rbsuite.jsonable.digest`) of the episodes in the form a pack has.
        note: what to know about it.
    """

    sha256: str
    episodes: str
    note: str = ""


_OLD = (
    "long_horizon is the file before upstream's correction (README of EmbodiedBench: long_horizon_old.pickle): some goals "
    "ask for more than their instruction says."
)

SETS: Mapping[str, KnownSet] = {
    "base": KnownSet(
        sha256="1e338a8729b89fa8101d1834d25c5a00c95f31296d93253e469679fe83c71c23",
        episodes="68c9b9f43a9553f40f71a474dd96cf6badc92e8939383ef538ab60efa7e87c82",
    ),
    "common_sense": KnownSet(
        sha256="2242c0f236e4bf3b751eeec371b5ff8bac72fd271a84eed6b49b656e3e21af17",
        episodes="ad2f436f83cdbd49e38f34122421800ef9ef8445287516d76417dd0c5241e49b",
    ),
    "complex_instruction": KnownSet(
        sha256="76d345f1ffe8680f462aaf7291b827704950d994364f70a254bfb470e8ba715c",
        episodes="c9427c65ef085754c39612bb79b6b7e39c4befb2a844e2e38f21fec0a58a1518",
    ),
    "long_horizon": KnownSet(
        sha256="69bc6965b932852e3c7c1c81c0406de5ff6eb799bd0a88d050a0bbdfd8f341d4",
        episodes="9e7eb90bf600b5c8054d2f3a035550057bbe0e6e898177fb5c14fb6335fe65c0",
        note=_OLD,
    ),
    "spatial_relationship": KnownSet(
        sha256="1ced7f6dc77d31e0c075a1b99ff8476a857b34a53ead755df7f359a5b8ec0884",
        episodes="a3b22d9b349ef74e7b9a53eca2287860a4b889c8a9fee161f95f3e717261c4f8",
    ),
    "visual_appearance": KnownSet(
        sha256="77723ce19418f66feaacc26cb71bfe6119c31c33744365cb60067f4ed758a2e8",
        episodes="07f3b984e5bf9995c017b94c3f264d71a1f9be97adf1f37f8e3d49d795b09601",
    ),
}
"""The sets in upstream's order."""

DATASET_SHA256 = "abdd8bf6e03dd4f459f5a10acbc51563c6c9f27407cd7a7c63d4b972aac16cdb"
DOMAIN_SHA256 = "d62aa2ed4c3d245ca5670c60e4a8132cdb15911d52bf9db33fcd994ef7469c03"

PACK_DIGEST = "f141c5df0d9e5274b46757d5f814b8a26e8f83b9e7f3cdf01deed390056fc8f1"
"""Digest of the content of the pack made from that commit, over the digests of its tables by file name."""
