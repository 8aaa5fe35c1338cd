"""The contents of commit e6db74b735ea of ACEBench/ACEBench as hashes, against which a fetched archive is checked.

The hashes were computed from checkouts of the commits named here.
"""

from __future__ import annotations

REPOSITORY = "ACEBench/ACEBench"
COMMIT = "e6db74b735ead22c24f27367606a9408573b848f"
LATER = "56dd66cf6439b0d9655ee1b353e4cd745c6f664e"
"""A commit of the canonical repository, chenchen0103/ACEBench, in which some answers are corrected."""

PACKS = {
    "4871fd6443246e83b00a9aa51cef69a80696a2743ca38508c6512fb2ad5a8914": COMMIT,
    "890042887edfc30c00a66aac9e4ce1733f2d9bceb29834347bd3751dce0fc9b5": LATER,
}
"""The commits whose data is known, by :func:`rbsuite_acebench.importer.content_digest`."""

CORRECTIONS = {
    "en/normal_atom_enum_9": "23abbd60bb239e997d15759fe974fe09a700760eec96fd47fadfd89a6ca91d29",
    "en/normal_atom_number_17": "000d933157a7cc2b768524ed387fe35dea4a0c15efdf2785721b2e2b28ce75cc",
    "en/normal_atom_list_34": "38061641ada9828d2e4d20a676b7f47153dccbfba036f7b61fa4b958ccac71c3",
    "en/normal_atom_object_short_42": "c4e5b38790cb014777e902bd349796d476e1744049f98938c5eeeeaadf817081",
    "en/special_incomplete_0": "044b25b1f3543d3dbe71932c1cabc4cab83cb817e1ba195e8e9548fb33687af5",
    "en/agent_multi_step_14": "293e8a75da6b5a39bb5f72d11b1b5fc514ca70eb3b4b0d5aac9b403a751b5913",
    "en/agent_multi_step_15": "293e8a75da6b5a39bb5f72d11b1b5fc514ca70eb3b4b0d5aac9b403a751b5913",
    "en/agent_multi_step_16": "293e8a75da6b5a39bb5f72d11b1b5fc514ca70eb3b4b0d5aac9b403a751b5913",
    "en/agent_multi_step_17": "293e8a75da6b5a39bb5f72d11b1b5fc514ca70eb3b4b0d5aac9b403a751b5913",
}
"""Ground truths that upstream changed between these commits: :func:`rbsuite.jsonable.digest` of the new one, by language and id. Its README
names those of ``atom_enum_9``, ``atom_number_17`` and ``atom_list_34``."""

_BY_FOLDER = {
    "data_all/data_en": {
        "data_normal_single_turn_single_function.json": "8505410b642c2ba70c2085e29e5bb4879b3ccd0c4a96be4a1fd3c806cbb501e7",
        "data_normal_single_turn_parallel_function.json": "7b9b9200cf5224e93f20bf14f076bead8e75d451a7dd6956d346fb1200412235",
        "data_normal_multi_turn_user_adjust.json": "b05dd0fe2afb02270ecbdfddfc7a8b1606339c234d5098749742e79bc51ea8cc",
        "data_normal_multi_turn_user_switch.json": "3ed94d09401c53a99c23edc8b60ebfda8d4ae486f9bea19f87b6000a66588cf0",
        "data_normal_similar_api.json": "f3ae38a6b56ab27c47bd929f16468598636ff76ecc095ff60c41c8b5a9ee843f",
        "data_normal_preference.json": "61413bbfb5f94b3ad74f348d9f33c8c10b531dfcf6e5429caa3f1a91fa64252d",
        "data_normal_atom_bool.json": "59695e59c0d92cd22ec418bfd6f936d0d44a8d6e1fc16e6cb033b12213c57b0b",
        "data_normal_atom_enum.json": "a2e870f8ba23687ba182a2bb0bdba0a7e02c21b67f3ebc5cc07a71fc2007d31b",
        "data_normal_atom_number.json": "eba9d748fcd08f142abf053fe2eecc573c98232f218ff412eb9ea5350abca422",
        "data_normal_atom_list.json": "dd1388f66a25f6ff04a6c32abaa63a031ffa33a1aa15a55efe95b0d77ec78b52",
        "data_normal_atom_object_deep.json": "2df8cd21fcf7388ee4fa0d98f0587292ba4c14b7c8bde059b3dca18ad885d1ec",
        "data_normal_atom_object_short.json": "eef597c5400e17e1c23a7548505e48139a3648d6e5bd5feabbc9b12fcf7a1a76",
        "data_special_incomplete.json": "186f593f8f2be7e709c5878f57d23f401c51e326ffcadcd62f9c5c08c8e34f3b",
        "data_special_error_param.json": "3ce0f322934d8a8a96eb8bae945949f61c53b74505ba0d65c4850f98e8ba3bae",
        "data_special_irrelevant.json": "20bb62a9c48b1daf852870096f5d70d53a09a07b8f90a7c09815c6d934e8f41e",
        "data_agent_multi_step.json": "c04b7561a2a5b31b3c4fd3067807ab4e0a7907f5a72cd5ec987da3469eac1fe9",
        "data_agent_multi_turn.json": "0380631f379510fad4aab885b9679cfe99e66cf3a01e92f570f9180141f637d0",
    },
    "data_all/data_en/possible_answer": {
        "data_normal_single_turn_single_function.json": "e541ad06ecaf49310105209222b9788711cc15d684174276f56224e584b8589d",
        "data_normal_single_turn_parallel_function.json": "fac555edad6f61927093504f10bdaef3cf54fbd587affcf3ce52b9f4ec0d3aa0",
        "data_normal_multi_turn_user_adjust.json": "a570117cde521c5d1c16adc2d461b8845c969a3334192bd357dec13cf6657889",
        "data_normal_multi_turn_user_switch.json": "ca0c10778a899fecd3b9767dae7d188d9924a0dbb191e2e6bc0b5808b8baa37e",
        "data_normal_similar_api.json": "0976f8fd3f11b9d5ba3783dc746158aeea3fdb1b34a46b07f3c4c731375a8543",
        "data_normal_preference.json": "ed9da0b58446812e8be562fb0594989bd759c249c1cdcd722a9dee5e89ee6644",
        "data_normal_atom_bool.json": "16c5c8d009d37a0dd5e398838c62857ad2ebae1eb0c0ee1a52eed39a654df86e",
        "data_normal_atom_enum.json": "bdfec87c5fd4bc3608cb88c53c1d7eacc4e76eb6f73e738451fbff4252292a92",
        "data_normal_atom_number.json": "a95aca7f2e986280a361f0050d2f8ab02fa24ed5dc1cd2f8ddad5a5279459e8b",
        "data_normal_atom_list.json": "d0c47a90f93ad48b505355290750e4a6c307cc59f535ab34d1947a3e60418eb9",
        "data_normal_atom_object_deep.json": "bf681a1cd84fb286562f3ba57ce9d28946a7cdcf8661b2aad125d69d4beecab7",
        "data_normal_atom_object_short.json": "27d5cb55dd364c493cc5e2452e208e7a0da8ee55bfbb12133b14250683cdd920",
        "data_special_incomplete.json": "4792432c4883846e4ab46ea30cd98a78f5d65bef5f5eeae3e31c528985dd31bd",
        "data_special_error_param.json": "5e4c8b8ca768d65372fac1e54c16ef90bf6c8869b8163a00a4afcc47867249b8",
        "data_special_irrelevant.json": "cd3f1d66e554869e8870677acc07df78c6ebf8bbba6e600cbb825072181566b8",
        "data_agent_multi_step.json": "7086bf7d704e1ce2426cfbd63606a7a00fc92aab77d9973517a5536883e3c179",
        "data_agent_multi_turn.json": "ad077af54920d614438c28b3c7483d556b1a732d0dd0973c867e497c7c0a828b",
    },
    "model_inference/multi_turn/scenariosen": {
        "phone_platform/base_api.py": "0e982dde305642edc5751b1b8d6f1ee9c303dff0c59e897709fe20e693785280",
        "phone_platform/message.py": "6c25d00ccd5cae25572a510a4dfbd833c62576b486ff43c588e2015cce35c6c6",
        "phone_platform/reminder.py": "ceaa1209799fc585843130ef0718406857b6f916557be137728840d53abe7aa1",
        "phone_platform/food_services.py": "14eb0b835907bb4068b5dd31da06d68ff3be1bec8a4b4e0ce313f5e736e095ae",
        "travel.py": "f9dacd97e579bf0447556c1843c3cf38d5612ab8eb05424d1cc2c33681d4d57e",
    },
    "data_all/data_zh": {
        "data_normal_single_turn_single_function.json": "95e8a10c3fc98d706d69a2b47cc7ec1a18449eb24e1dcb616b232b0a8a83aff4",
        "data_normal_single_turn_parallel_function.json": "8479e8739e25a58ae61f18b5d68f3843dc76f22c3ce155353d56036d4778f894",
        "data_normal_multi_turn_user_adjust.json": "15370d45110dbb2fae7b18b1a738b5f08db5f3c5b4faf8fd01ea716335754721",
        "data_normal_multi_turn_user_switch.json": "18f5baf129f7fdfc72c9aaf43b1d9c51e846491f890fa616a66e007cfe676962",
        "data_normal_similar_api.json": "ecf3324eabfd91a626f97c91a550213601cce84b4eb410e3c12a5e05eff9cb91",
        "data_normal_preference.json": "cce33ef074d89bc5a5e87090fc36d22720f83af936501065dcef87723c27e761",
        "data_normal_atom_bool.json": "0b945e4a0d2018875b6e50a28e55359d94609681853c50a87d205a115be55bf8",
        "data_normal_atom_enum.json": "806ece8b2753779816185a4060e68667053ab46144bb2b294c434bc3d9116f85",
        "data_normal_atom_number.json": "924456f46cada50acd4330c8b7f3790ce12837480991d1a6f3098fd73cb8ebb7",
        "data_normal_atom_list.json": "da4839021796e66eb149917ebfe839dd25589faf2310e5360e8d04d1c102db88",
        "data_normal_atom_object_deep.json": "7d59db54e4d486fb29e985bfccc752afac92fe67a739c0f3ea2303dfd89f87af",
        "data_normal_atom_object_short.json": "1c7107737f539243629cbbf118a83138428c05da5574658caf6c8ff8ed0a252d",
        "data_special_incomplete.json": "e2e6b3383679d3e6970590be6972bb7b36f2dad47aba3ed18b83556d00f7d5fc",
        "data_special_error_param.json": "2c728affde4a5551c38d59eef4d36aa0997bc23e2deb097532536a854cf7f4d2",
        "data_special_irrelevant.json": "3a43bf88e1b77be69f2d078a978979e7b37d402735af5cd764f116f09bbbc29f",
        "data_agent_multi_step.json": "dcf74daf8dce797c1c86cbcf54e6fd63d6b83425d50bc7076ad98810b14b6b68",
        "data_agent_multi_turn.json": "847df81f26e188e7c1eff8d010acf5f3c415cbe3a89ebc414efee013dc81c06e",
    },
    "data_all/data_zh/possible_answer": {
        "data_normal_single_turn_single_function.json": "5e4a4f3268e46095392b6208bec3aefd015467404985d45853155ec6f036edf4",
        "data_normal_single_turn_parallel_function.json": "0786f04adcc1672ebd7d938fc8f602da674c3312b4c8b5f3d7d990523bc8891a",
        "data_normal_multi_turn_user_adjust.json": "15accc1f8dfb0f44aa04cde0a26a552d425ce104dbaa5c6dbc85b7d0115842e5",
        "data_normal_multi_turn_user_switch.json": "89257a02b15a6d5b52166f51fdd125ec322ba6728e5389f5bda7e8751dbeb8fd",
        "data_normal_similar_api.json": "aa3e5b569c31ac4ca4b728d9fcb105a992566ddea15964e9f55e29aa945ab384",
        "data_normal_preference.json": "6ea2c90fb29a36964e5700f1a81a21b7284f8362d7aa809c30c4ea4d5a0d7aa5",
        "data_normal_atom_bool.json": "c9e9bb15872a71284742de8f9db241ead8621682bb4b0ba1894550cec95be571",
        "data_normal_atom_enum.json": "57a75036ca6901619d7f6ed37371d82063524e1e02dacc58ba1e68c73e3d0888",
        "data_normal_atom_number.json": "093288870e5a7d6243d2e598c5ea2ccaa7a84e95a523af70b17a5b43bef11cd7",
        "data_normal_atom_list.json": "586834aabc928c93df20af270656bdf2846ae7761a490daf4fbfd11b51e4f7bf",
        "data_normal_atom_object_deep.json": "15bd565c36852d3d93e68f4dee5189b6b0a87dfd9947544dda82759d46b67eb9",
        "data_normal_atom_object_short.json": "e4cd896db9292b7eb350d2551d8ce63a60d537b66dd28b13c64e2118afad3483",
        "data_special_incomplete.json": "d1401ce3075dadf31b476f0074221efd7aeef548d6e13c99471110eed3743570",
        "data_special_error_param.json": "e57c471a4a4f906b92c2ab3f67052a31ef4c580c11b8dc5941152a4fbce3d246",
        "data_special_irrelevant.json": "cd3f1d66e554869e8870677acc07df78c6ebf8bbba6e600cbb825072181566b8",
        "data_agent_multi_step.json": "4ca297f2c1d5f8eee3a45cd3e7d8cce7f2bb89d1f22a8e12fd033f6c50a7069b",
        "data_agent_multi_turn.json": "ea11d8cc8fdef39660699ec219b0eef71d261226f8018ed6c35571206e53ec00",
    },
    "model_inference/multi_turn/scenarioszh": {
        "phone_platform/base_api.py": "bd6fed4bc8890f7b2ef298ac0e3229f8b126aeea14192a1ee1be03e4f61da8a2",
        "phone_platform/message.py": "ec6652321a19c9bf3ab22f6c31ae6294b7d5c8bccc74e2f49978bc2cf5be2e8c",
        "phone_platform/reminder.py": "279762a8668cd9e8e2146dd65934d6187604d49360aeb23e1881510d28f5a92a",
        "phone_platform/food_services.py": "d96407806ad3c491177e5aad30902051cafd98d121417de3d0d9e096f7d028c9",
        "travel.py": "c6713fde77116a6d076b5c89f42fd0b220a3fe33a674736f951ef2aece7fe7a0",
    },
    ".": {
        "LICENSE.md": "d9a1b1e30d633d5732ea18e3cba9538d293ebc53e1a9e4e96ab739e0c5c4f1cb",
    },
}

FILES = {
    (f"{folder}/{name}" if folder != "." else name): sha256
    for folder, files in _BY_FOLDER.items()
    for name, sha256 in files.items()
}
"""sha256 (hex) of every upstream file that the importer reads, by path."""
