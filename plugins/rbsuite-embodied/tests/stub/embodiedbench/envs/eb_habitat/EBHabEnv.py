"""Stands in for upstream's module of the same name."""

import random
import time
from types import SimpleNamespace

import numpy as np
from embodiedbench.main import logger
from embodiedbench.replay import Tensor, fault, log, noise, picture, recorded, simulator

ValidEvalSets = [
    "base", "common_sense", "complex_instruction", "spatial_relationship", "visual_appearance", "long_horizon"
]  # fmt: skip
SKILLS = ["navigate to the sofa", "navigate to the sink in the kitchen", "pick up the bowl", "place at the sofa"]


class HabitatWrapper:
    """Episodes in the order of habitat's iterator: shuffled by a fixed seed, and again after each pass."""

    def __init__(self, episodes):
        self.episodes = [SimpleNamespace(episode_id=str(i), scene_id="sc", **e) for i, e in enumerate(episodes)]
        self._random = random.Random(100)
        self._random.shuffle(self.episodes)
        self._iterator = iter(self.episodes)
        self.number_of_episodes = len(self.episodes)
        self.current = None

    def reset(self, return_info=False):
        self.current = next(self._iterator, None)
        if self.current is None:
            again = list(self.episodes)
            self._random.shuffle(again)
            self._iterator = iter(again)
            self.current = next(self._iterator)
        self.records = iter(self.current.steps)
        obs = {"head_rgb": Tensor(picture(0))}
        return (obs, {"lang_goal": self.current.instruction}) if return_info else obs


class EBHabEnv:
    def __init__(
        self, eval_set="train", exp_name="", down_sample_ratio=1.0, start_epi_index=0, resolution=500, recording=True
    ):
        noise("init")
        fault("init")
        assert eval_set in ValidEvalSets
        assert not recording, "every step would be drawn for a video that nobody keeps"
        self.process = simulator()
        self.env = HabitatWrapper(recorded(eval_set))
        self.dataset = SimpleNamespace(episodes=self.env.episodes)
        self.number_of_episodes = self.env.number_of_episodes * down_sample_ratio
        self._reset = False
        self._current_episode_num = 0
        while start_epi_index >= 1 and self._current_episode_num < start_epi_index:
            self.env.reset(return_info=False)
            self._current_episode_num += 1
        self._current_step = 0
        self._max_episode_steps = 30
        self._cur_invalid_actions = 0
        self._max_invalid_actions = 10
        self.episode_language_instruction = ""
        self.episode_log = []
        self.language_skill_set = list(SKILLS)
        log(f"start {eval_set}")

    def current_episode(self, all_info=False):
        return SimpleNamespace(episode_id=self.env.current.episode_id, scene_id=self.env.current.scene_id)

    def reset(self, **kwargs):
        noise("reset")
        fault("reset")
        assert self._current_episode_num <= self.number_of_episodes
        _, info = self.env.reset(return_info=True, **kwargs)
        logger.info("Episode %s", self._current_episode_num)
        self.episode_language_instruction = info["lang_goal"]
        self.episode_data = self.dataset.episodes[self._current_episode_num]
        self._current_step = 0
        self._cur_invalid_actions = 0
        self._current_episode_num += 1
        self._reset = True
        self._episode_start_time = time.time()
        log(f"reset {self.env.current.episode_id}")
        return {"head_rgb": Tensor(picture(self._current_step))}

    def step(self, action, reasoning="", **kwargs):
        noise("step")
        fault("step")
        assert self._reset, "Reset env before stepping"
        self._current_step += 1
        name = self.language_skill_set[action]
        record = next(self.env.records)
        assert record["action"] in (name, "*"), f"recorded: {record['action']}, asked: {name}"
        invalid = np.bool_("message" in record)
        success = np.bool_(record["progress"] == 1)
        info = {
            "was_prev_action_invalid": invalid,
            "action": record.get("pddl", ""),
            "predicate_task_success": success,
            "lang_goal": self.episode_language_instruction,
            "task_progress": record.get("subgoals", record["progress"]),
            "subgoal_reward": np.float32(0.0),
            "num_invalid_actions": self._cur_invalid_actions,
            "num_steps": self._current_step,
        }
        done = bool(success) or record.get("done", False)
        if info["was_prev_action_invalid"]:
            self._cur_invalid_actions += 1
        if self._current_step >= self._max_episode_steps or self._cur_invalid_actions >= self._max_invalid_actions:
            done = True
        said = "Last action is invalid." if invalid else "Last action executed successfully"
        info["env_feedback"] = said + record.get("message", record.get("said", "."))
        info["env_step"] = self._current_step
        info["episode_elapsed_seconds"] = (time.time() - self._episode_start_time,)
        info["action_id"] = action
        info["action_description"] = name
        info["reasoning"] = reasoning
        info["instruction"] = self.episode_language_instruction
        info["last_action_success"] = 1 - float(info["was_prev_action_invalid"])
        info["task_success"] = info["predicate_task_success"]
        if info["task_success"]:
            info["task_progress"] = 1.0
        self.episode_log.append(info)
        return {"head_rgb": Tensor(picture(self._current_step))}, np.float32(record.get("reward", 0)), done, info

    def close(self):
        fault("close")
        log("close")
        self.process.kill()
        self.process.wait()
