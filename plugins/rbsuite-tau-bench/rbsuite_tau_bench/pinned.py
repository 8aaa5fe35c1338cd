"""The contents of commit 59a200c6d575 of sierra-research/tau-bench as hashes, against which a fetched archive is checked.

The hashes were computed from a git checkout of that commit.
"""

from __future__ import annotations

REPOSITORY = "sierra-research/tau-bench"
COMMIT = "59a200c6d575d595120f1cb70fea53cef0632f6b"

PACK_DIGEST = "8def073fdebddbb05109693188b3c63fe31c0927e4ec1743b056131c390cd647"
"""Digest of the pack made from that commit: :func:`rbsuite.jsonable.digest` of the sha256 of its content files by name
(databases, tasks, tools, wiki and rules; without few-shot displays, licence and provenance)."""

_BY_FOLDER = {
    "tau_bench/envs/retail": {
        "data/orders.json": "2598a12586d28f2d6bd16bc86f4c800029b6af18e0abb5c475ef5c869c11ced1",
        "data/products.json": "a9eabcc1a9742c5f5288c2779acce52b9308423383ed24706bbaf0889f762a0f",
        "data/users.json": "6f4fd104cc5e80b92166c4035315c31532c6cea52a90dcdf18425ee7f87c2b82",
        "tasks_dev.py": "87dfe578d0271e7b0b5dfb40621a5c0dcc0e8452a75b8f3f8d1dcf0abac4ff14",
        "tasks_test.py": "6f09468923c6cfb6162e94fe659264d6aee70816c18d51278fb4a581db7765a4",
        "tasks_train.py": "30880ce4e8d524dd0fdd18c1d3a5713551fc8638e82673de3e0fd1ab70046c6f",
        "tools/__init__.py": "db8f1252a01eaa333ee409d78858d5dcf5cdc2f27c24bc6d941615ccd2ac54df",
        "tools/calculate.py": "2c3380802673493843ef6d7f3e569e2aed52265ca0b9f7ac248346828d0c75f7",
        "tools/cancel_pending_order.py": "c33151a896b62ac87ed1bcbcbd62dabcd47c8c1eaf47bbb5e2f15f8b6283b19d",
        "tools/exchange_delivered_order_items.py": "d547d44b28e97513d4a15714d4bd2bbca13f76827bfe06b71e1b51a742f44489",
        "tools/find_user_id_by_email.py": "a289f00eb689146f102d97951d6e7b29c9c639314c203efbfcd888f893d91560",
        "tools/find_user_id_by_name_zip.py": "22c176ffc285b25db573e0e38d82d678e2641298c6d1318f69d2582d52eb7433",
        "tools/get_order_details.py": "ca6c23cc89c1e981251b9adb1e6d705e364ff942aee986b12335b36e94281056",
        "tools/get_product_details.py": "9578fb31b5e092361a5d0e5d4a8e2afe4b8fb4a96d279d031b01266d9b5c768d",
        "tools/get_user_details.py": "f22b59126c2a2aaa102f39dea778653a9298d1902477dd5246509d019318e8d3",
        "tools/list_all_product_types.py": "63b9f562f893bab36fc6fb91da92978ba9c106f2d6fad88aee3ca20801e4a2e3",
        "tools/modify_pending_order_address.py": "8f23d24511078ca10818fac8501db358ad699584952233d696a695e78993d001",
        "tools/modify_pending_order_items.py": "f1a39d42e42c162dc961afa7f1b4d29c73c5a3710a3b9dff318a076213b6c858",
        "tools/modify_pending_order_payment.py": "6c2d4c329fae0d66d50bd48cb6ae9520167137f8b20d3385fa407aa5b03d2fe5",
        "tools/modify_user_address.py": "b1f8ac2141056ccee668824d6ab124ce659ea3574e7b186b39af3f558c07ac61",
        "tools/return_delivered_order_items.py": "7d92e8962c17e5fa9c8e3240d21e31fc1adf5e68100c92bb0f67e0a67ea5b7bf",
        "tools/think.py": "9d9423922fcdc98578c1d6544f35d28ff155e9a5a172355b662db326ef7eb1fc",
        "tools/transfer_to_human_agents.py": "2b6d4685da53f72709b28b60e14e1897947ac366bc7ecee6d2b7c7169a3d95a6",
        "wiki.md": "d539fd2a46a8b8dd2e934ff9ed92f43e9f6b56bc7a718db8d2803ba8ad8f6bf7",
        "rules.py": "f4450639d5a21713953685e0a430b8cfd4f359db3fdd4de45ff228449b05c812",
    },
    "tau_bench/envs/airline": {
        "data/flights.json": "444d7565c68434a3e3fb72efd717f9f9cd5c56dce227f6f56e078f1cb0ed233a",
        "data/reservations.json": "1cf0bbc58ad984be9de7c24dba6dd27393f94cdbd482d8524f6a54db1f561a8c",
        "data/users.json": "bd264e2a31e0fa35cdfef8987e70a0dd3776828b582fe90e7a44823a12eb4cea",
        "tasks_test.py": "14cdb6b4fe810faac9a0cc8395d3c7b32c883a979d1cde8c8003ae25a93d2ff3",
        "tools/__init__.py": "98cbafc429cf917a088112b652ec6ef8641b509f0981c04047875f90ec4967f3",
        "tools/book_reservation.py": "927ca66e6bf289d27582c939d7300ee028ed0a237e2592afed160265f9953304",
        "tools/calculate.py": "3be497428304817e4dae17222dc9d1d41a27d28bf0abc2a613687a6e890d70fe",
        "tools/cancel_reservation.py": "5dd83916f9dce20a4bac6ecf45c2f4555ae28f0981339c7d237d3f98af2e6b98",
        "tools/get_reservation_details.py": "3c45957d9489e4226000de99f015c67ca5cc920f867c5a5739edba20cd920b6b",
        "tools/get_user_details.py": "50cd80bee1fa2da99852ebd37289964f0b5f34994d9f34104f7d6953216fa7c4",
        "tools/list_all_airports.py": "8c6921b793ce6e93bfa18024e40fa1136f8c4e8204f8fa6f0248beaf674651ba",
        "tools/search_direct_flight.py": "ca64bab422da436c0ab9e3a77135f786ca934e8cb917d502f0dbab2847716c78",
        "tools/search_onestop_flight.py": "205b32a28de70bff29f8846c875964af78c6d6d94685bf79579861b3308efa3d",
        "tools/send_certificate.py": "d067a526d0a3579cd4a814fa14d231a62da4854520124ff2af8969f16715a773",
        "tools/think.py": "ff2b17409d3d6fade8657e2ada46b0b50e33c6570502cba4ec0202652c51ffa5",
        "tools/transfer_to_human_agents.py": "d3f105f8a8efc11e8dbb039b12e9e1d86d7c1f1ae16a26bd2bbf41cde2b21db6",
        "tools/update_reservation_baggages.py": "5b72dc0fcd0a2ae21bb116ddc0a76dcc5d2fc2c71dec1fae75942f24f5d6eafd",
        "tools/update_reservation_flights.py": "58ef41d20d5ba53782dce1bbcbd514aaa6fcb0670980f54070d8263ab9f8b985",
        "tools/update_reservation_passengers.py": "6ed46b57dc3c6c487219720a10f116774686046f11868c747493ae9a703d2957",
        "wiki.md": "56c335801c16e26b54f600f9db99eb04d31db477e86eb160341d5c66b796c5c8",
        "rules.py": "da3d5a5db6ddbf3d0071e5ece8d9297ccf89914ded93c8187043c5eecf58adfc",
    },
    "few_shot_data": {
        "MockAirlineDomainEnv-few_shot.jsonl": "7b14cd22355cd8245662e6d2b54e5dcad7e7e7e14f2e2e009a5649f915d9ac11",
        "MockRetailDomainEnv-few_shot.jsonl": "091066a735d3d2605441764e0a2c6dcc93fb6595b400ff5e354416e6c8ba4a3a",
    },
    ".": {
        "LICENSE": "243d23d45b80122b5ac575586ccef352fdc9c45e6d7d2605449aca8a17478b42",
    },
}

FILES = {
    (f"{folder}/{name}" if folder != "." else name): sha256
    for folder, files in _BY_FOLDER.items()
    for name, sha256 in files.items()
}
"""sha256 (hex) of every upstream file that the importer reads, by path."""
