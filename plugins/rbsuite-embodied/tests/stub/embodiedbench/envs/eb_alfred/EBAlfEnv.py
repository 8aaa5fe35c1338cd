"""Stands in for upstream's module of the same name."""

import time
from types import SimpleNamespace

import numpy as np
from embodiedbench.main import logger
from embodiedbench.replay import fault, log, noise, picture, recorded, simulator

ValidEvalSets = ["base", "common_sense", "complex_instruction", "spatial", "visual_appearance", "long_horizon"]
BASE_SKILLS = ["find a Mug", "pick up the Mug", "put down the object in hand", "open the Cabinet", "turn on the Faucet"]


class ThorConnector:
    def __init__(self):
        self.process = simulator()
        self.sliced = False
        self.put_count_dict = {}
        self.cooled_objects = set()
        self.heated_objects = set()
        self.cleaned_objects = set()
        self.last_event = None
        self.shown = 0

    def show(self, visible, known=("Mug", "Fridge")):
        self.shown += 1
        objects = [{"objectType": name, "visible": True} for name in visible]
        objects += [{"objectType": name, "visible": False} for name in known if name not in visible]
        self.last_event = SimpleNamespace(metadata={"objects": objects}, frame=picture(self.shown))

    def stop(self):
        self.process.kill()
        self.process.wait()


class EBAlfEnv:
    def __init__(
        self,
        eval_set="base",
        exp_name="",
        down_sample_ratio=1.0,
        selected_indexes=(),
        detection_box=False,
        resolution=500,
    ):
        noise("init")
        fault("init")
        self.env = ThorConnector()
        assert eval_set in ValidEvalSets
        self.dataset = recorded(eval_set)
        if len(selected_indexes):
            self.dataset = [self.dataset[i] for i in selected_indexes]
        self.number_of_episodes = len(self.dataset)
        self.selected_indexes = selected_indexes
        self._reset = False
        self._current_episode_num = 0
        self._current_step = 0
        self._max_episode_steps = 30
        self._cur_invalid_actions = 0
        self._max_invalid_actions = 10
        self._episode_start_time = 0
        self.episode_log = []
        self.episode_language_instruction = ""
        self.language_skill_set = list(BASE_SKILLS)
        log(f"start {eval_set}")

    def reset(self):
        noise("reset")
        fault("reset")
        assert self._current_episode_num < self.number_of_episodes
        log(f"reset {self._current_episode_num}")
        self._episode = self.dataset[self._current_episode_num]
        self._records = iter(self._episode["steps"])
        self.episode_language_instruction = self._episode["instruction"]
        logger.info("Restoring scene")
        self.env.cooled_objects, self.env.heated_objects, self.env.cleaned_objects = set(), set(), set()
        self.env.show(self._episode["visible"])
        self.language_skill_set = BASE_SKILLS + self._episode["names"]
        self._current_step = 0
        self._cur_invalid_actions = 0
        self._current_episode_num += 1
        self._reset = True
        self._episode_start_time = time.time()
        return {"head_rgb": self.env.last_event.frame}

    def step(self, action, reasoning=""):
        noise("step")
        fault("step")
        assert self._reset, "Reset env before stepping"
        self._current_step += 1
        if type(action) == int:  # noqa: E721
            lang_action = self.language_skill_set[action]
        elif type(action) == str:  # noqa: E721
            lang_action = action
        else:
            raise NotImplementedError
        record = next(self._records)
        assert record["action"] in (lang_action, "*"), f"recorded: {record['action']}, asked: {lang_action}"
        message = record.get("message", "")
        if lang_action.startswith("put down "):
            self.env.put_count_dict["CounterTop"] = self.env.put_count_dict.get("CounterTop", 0) + 1
            if message and self.env.put_count_dict["CounterTop"] >= 3:
                message += ". The robot dropped the object instead."
        success = not message
        if not success:
            self._cur_invalid_actions += 1
        self.env.cleaned_objects |= set(record.get("cleaned", ()))
        self.env.show(record["visible"])
        info = {"task_success": float(record["progress"] == 1), "task_progress": np.float64(record["progress"])}
        done = record.get("done", False)
        if (
            self._current_step >= self._max_episode_steps
            or info["task_success"]
            or self._cur_invalid_actions >= self._max_invalid_actions
        ):
            done = True
        info["instruction"] = self.episode_language_instruction
        info["env_step"] = self._current_step
        feedback = "Last action executed successfully." if success else f"Last action is invalid. {message}"
        info["env_feedback"] = feedback
        info["episode_elapsed_seconds"] = time.time() - self._episode_start_time
        info["last_action_success"] = float(success)
        info["object_states"] = {
            "cooled_objects": self.env.cooled_objects,
            "heated_objects": self.env.heated_objects,
            "cleaned_objects": self.env.cleaned_objects,
            "visible_objs": [obj["objectType"] for obj in self.env.last_event.metadata["objects"] if obj["visible"]],
        }
        info["action_id"] = action
        info["action_description"] = lang_action
        info["reasoning"] = reasoning
        for name in record.get("without", ()):
            del info[name]
        self.episode_log.append(info)
        return {"head_rgb": self.env.last_event.frame}, record.get("reward", 0), done, info

    def close(self):
        fault("close")
        log("close")
        self.env.stop()
