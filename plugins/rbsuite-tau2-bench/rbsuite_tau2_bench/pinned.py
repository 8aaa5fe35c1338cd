"""The contents of commit a2c024725189 of sierra-research/tau2-bench, as git's ids of the files that the importer reads."""

from __future__ import annotations

REPOSITORY = "sierra-research/tau2-bench"
COMMIT = "a2c024725189473d2d7cea3a5cfdbcc67478e41f"

BLOBS = {
    "data/tau2/domains/retail/db.json": "4d67b03b2d39ade5a7ab6facb2edd7ab3e013d48",
    "data/tau2/domains/retail/policy.md": "d127e6b074654926f337d0d98b0e669ebe90d19e",
    "data/tau2/domains/retail/split_tasks.json": "8b20704a17aa1940b1e58668f89dcef2ddaeeea3",
    "data/tau2/domains/retail/tasks.json": "e95a9f898b2d1f6568ea8faec78edc3767ce747d",
    "src/tau2/domains/retail/tools.py": "eba01ab32dca0d4ef33328c22358b794d859f2b6",
    "data/tau2/domains/airline/db.json": "c6a1e817aa9102c5822e83affb3595acbc312701",
    "data/tau2/domains/airline/policy.md": "8098be7db3f47de943fad39d1e057ede6cc6cd04",
    "data/tau2/domains/airline/split_tasks.json": "c83cce155671e66a6bf07450fd2845fe0eb1f229",
    "data/tau2/domains/airline/tasks.json": "ea4ff5e3f5e3d97ca391846a6e8dd9eb3437dc80",
    "src/tau2/domains/airline/tools.py": "adc5c09a155d82d91e2f0647682023419eaca2ea",
    "data/tau2/domains/telecom/db.toml": "6c8a639d85896a049a5daf87332107a840a55aac",
    "data/tau2/domains/telecom/main_policy.md": "c55f5bd10c49a3d0b48f6e83a3168e6242fb2be7",
    "data/tau2/domains/telecom/main_policy_solo.md": "2da88ab26054dbd574e48353e54b4296f0e554dd",
    "data/tau2/domains/telecom/split_tasks.json": "a5b01687eaaa5c669f792bff33c0d6ec13be36fd",
    "data/tau2/domains/telecom/tasks.json": "6f41a5e3489e187fa247d729706509d8250a31c1",
    "data/tau2/domains/telecom/tech_support_manual.md": "b64a9f1433bfb62bdaf9e5c1d90c10e833b26c17",
    "data/tau2/domains/telecom/tech_support_workflow.md": "36104c70ea1caf5adfbbc8b26b61e29a1da72a7c",
    "data/tau2/domains/telecom/tech_support_workflow_solo.md": "768d8f446ee7bd9d301f614a03d9a403810c2ecc",
    "data/tau2/domains/telecom/user_db.toml": "1def9a98eabf1d4a5fc95a67387ec294f56196d8",
    "src/tau2/domains/telecom/tools.py": "c531b4c717233285271f3c4039961a6a8e562ed6",
    "src/tau2/domains/telecom/user_tools.py": "a79447b0af1abbe23caeaaefa79b34432279f942",
    "data/tau2/domains/mock/db.json": "df0ce81f3d277fe0aba201df3142e3f9a0ee1deb",
    "data/tau2/domains/mock/policy.md": "1a7b7b07ab195b6a83f82e025a26ec27eb82587c",
    "data/tau2/domains/mock/policy_solo.md": "4d02c3fd4c43c083e5238c8bd48769f77460f851",
    "data/tau2/domains/mock/split_tasks.json": "92895cfea24c5f650ce9035000dd1bc2be83a5a0",
    "data/tau2/domains/mock/tasks.json": "f2fff0c59336623ff8f8fdd6618d8cf03753e9ab",
    "data/tau2/domains/mock/user_db.json": "d6b7d90110ab3fa34afa0b20c98083bebb4fcd51",
    "src/tau2/domains/mock/tools.py": "a4430b1e1c4d037ab2ad8c701a56f8f491a33457",
    "src/tau2/domains/mock/user_tools.py": "22dc2fee3abd6a5f75dfe18e49098fdde0e729ee",
}
"""git's id of a file's content at that commit, by path."""

AIRLINE_DATABASE = "data/tau2/domains/airline/db.json"
RECONSTRUCTED_SHA256 = "3b0ab49ec540d0e1e9d353998eb3391687ea0938336c658c8fc6ec9d1daf2019"
"""The id for the airline database that was rebuilt from tau-bench's."""
