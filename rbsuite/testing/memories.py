"""The rules for memories. Memories are tried on a short stream of practice tasks, in its own bank, without a model."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from rbsuite.errors import ModelError, PluginError
from rbsuite.memories.bank import Bank
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.store.rows import decode_op, op_row
from rbsuite.testing.practice import DEPOTS, Fixed, experience, marker, practised, tasks, trajectory
from rbsuite.testing.rules import Broken, NotTried, Rule, require, rule
from rbsuite.testing.streams import LENGTH, MemorySubject, require_bank
from rbsuite.testing.subjects import bearing, common_rules, lacking, own_chance, repeatable, require_fenced
from rbsuite.tokens import tokens_of
from rbsuite.transcript import render_steps, render_transcript

KIND = "memory"
MANY, PADDING = 40, 30_000
"""Number of tasks and of characters per trajectory for checking that what is recalled stays short."""
LONGEST = 20_000
"""Maximum number of tokens that may be shown to an agent."""


def in_bank(one: Rule[MemorySubject]) -> Rule[MemorySubject]:
    """A rule that is checked only on memories whose state is in the bank."""

    async def check(subject: MemorySubject) -> None:
        require_bank(subject)
        await one.check(subject)

    return replace(one, check=check)


@rule(
    KIND,
    "empty-bank",
    'Return Recall(reason="...") where the view has nothing.',
    after=("factory",),
)
async def empty_bank(subject: MemorySubject) -> None:
    """A recall from an empty bank gives no items and raises nothing."""
    for number in range(2):
        recall = await subject.stream(subject.one()).recall(number)
        require(not recall.items, f"{len(recall.items)} items were recalled from an empty bank")


@rule(
    KIND,
    "returns",
    "Build them with the constructors of rbsuite.experience.",
    after=("empty-bank",),
)
async def returns(subject: MemorySubject) -> None:
    """`recall` gives a Recall, and `absorb` a list of MemoryOp, which may be empty."""
    stream = subject.stream(subject.one())
    await stream.recall(0)
    for number in range(LENGTH):
        await stream.absorb(experience(number), number)


@rule(
    KIND,
    "operations",
    "Change only what the view lists, and give the items of an experience its query as key.",
    after=("returns",),
)
async def operations(subject: MemorySubject) -> None:
    """The bank accepts every operation: ids that are new or known, items of one experience under one key."""
    try:
        await subject.stream(subject.one()).run()
    except PluginError as error:
        raise Broken(error.message) from error


@rule(
    KIND,
    "reason",
    'Return Recall(reason="no success in this domain yet") or the reason that the search gave.',
    after=("operations",),
)
async def reason(subject: MemorySubject) -> None:
    """Where nothing is recalled, the reason is given, and only there."""
    stream = await subject.stream(subject.one()).run()
    for position, (recall, _) in enumerate(stream.recalls):
        anything = bool(recall.items or recall.text)
        require(anything or recall.reason.strip(), f"at task {position} nothing was recalled, and no reason was given")
        require(
            not (anything and recall.reason),
            f"at task {position} something was recalled, yet a reason why not was given",
        )


@rule(
    KIND,
    "recalled-exist",
    "Take id and revision from the items of the view: Recalled(item.id, item.revision, score, rank).",
    after=("operations",),
)
async def recalled_exist(subject: MemorySubject) -> None:
    """Recalled items are in the bank as it is read, in the revision that is named, each once, ranked from 0."""
    stream = await subject.stream(subject.one()).run()
    for version, (recall, _) in enumerate(stream.recalls):
        ids = [item.item_id for item in recall.items]
        require(len(set(ids)) == len(ids), f"at task {version} an item was recalled twice")
        ranks = [item.rank for item in recall.items]
        require(ranks == list(range(len(ranks))), f"at task {version} the ranks are {ranks}")
        for item in recall.items:
            found = stream.bank.get(item.item_id, version)
            require(found is not None, f"at task {version} the bank has no item {item.item_id!r}")
            require(
                found is not None and found.revision == item.revision,
                f"at task {version} item {item.item_id!r} has another revision than {item.revision}",
            )


@rule(
    KIND,
    "provenance",
    "Provenance(experience.task_id, experience.position, (rollout,), verdict.label, verdict.source)",
    after=("operations",),
)
async def provenance(subject: MemorySubject) -> None:
    """Every operation says from which task, position and rollouts it was learned, and so does every new item."""
    stream = await subject.stream(subject.one()).run()
    for position, op in stream.learnt:
        one = experience(position)
        told = [op.provenance, *([op.item.provenance] if op.op == "add" and op.item is not None else [])]
        for found in told:
            right = (found.task_id, found.position) == (one.task_id, position)
            require(right, f"what was learned on {one.task_id!r} says {found.task_id!r}, position {found.position}")
            rollouts = {outcome.trajectory.rollout for outcome in one.outcomes}
            require(
                set(found.rollouts) <= rollouts, f"what was learned on {one.task_id!r} names rollouts {found.rollouts}"
            )


@rule(
    KIND,
    "ids",
    "Derive them from experience.id, which tells runs apart (`--warm-start`).",
    after=("operations",),
)
async def ids(subject: MemorySubject) -> None:
    """Item ids also differ from those of the bank that a run was started with."""
    stream = subject.stream(subject.one())
    _ = (await subject.stream(subject.one()).run()).learnt
    for number in range(LENGTH):
        added = [
            {
                op.item.id
                for op in await stream.absorb(experience(number, origin=origin), number)
                if op.op == "add" and op.item is not None
            }
            for origin in ("", "0a1b2c3d")
        ]
        both = added[0] & added[1]
        require(not both, f"the id {next(iter(both), '')!r} is given in two runs")


@rule(
    KIND,
    "replayable",
    "Use str, int, float and tuples of these, and no subclasses of your own.",
    after=("operations",),
)
async def replayable(subject: MemorySubject) -> None:
    """Operations come back from the store as they were: plain texts, numbers and tuples."""
    stream = await subject.stream(subject.one()).run()
    _ = stream.learnt
    again = Bank(HashEmbedder(512))
    for version, (ops, _) in enumerate(stream.ops, 1):
        back = tuple(decode_op(op_row(op)[-1]) for op in ops)
        for op, other in zip(ops, back, strict=True):
            require(
                op == other,
                f"the operation {op.op!r} of task {version - 1} comes back from the store as a different one",
            )
        await again.apply(version, back)
    require(again.state_hash == stream.bank.state_hash, "the bank differs when it is read back from the store")


@rule(
    KIND,
    "no-state",
    "Keep nothing in the object between calls; what is needed later goes into the bank.",
    after=("operations", "repeatable"),
)
async def no_state(subject: MemorySubject) -> None:
    """A call repeated on the same object gives the same: an attempt may be discarded and repeated."""
    stream = replace(subject.stream(subject.one()), twice=True)
    await stream.run()
    for position, ((first, second), (learnt, again)) in enumerate(zip(stream.recalls, stream.ops, strict=True)):
        require(first == second, f"at task {position} a second recall gives something different")
        require(learnt == again, f"at task {position} absorbing a second time gives something different")


@rule(
    KIND,
    "resume",
    "Read what is known from the view, not from the object; give snapshots that hold all of the state.",
    after=("operations", "repeatable"),
)
async def resume(subject: MemorySubject) -> None:
    """A run that is resumed with a new object continues as if it had never stopped."""
    if subject.spec.external:
        await _restores(subject)
        return
    undisturbed = await subject.stream(subject.one()).run()
    stopped = await subject.stream(subject.make).run()
    require(undisturbed.told() == stopped.told(), "with a new object for every call, it recalls or learns differently")


async def _restores(subject: MemorySubject) -> None:
    """The same if the state is outside the bank: a snapshot stays what it was, whatever is learned later."""
    stream = await subject.stream(subject.one()).run(LENGTH - 1)
    snapshot = await subject.opened[-1].snapshot()
    if snapshot is None:
        raise NotTried("it gives no snapshots, so its runs cannot be resumed")
    before = [await stream.recall(number) for number in range(LENGTH)]
    await stream.step()
    again = await subject.restored(snapshot)
    after = [await again.recall(number) for number in range(LENGTH)]
    require(before == after, "opened at a snapshot, it recalls differently than when the snapshot was given")


@rule(
    KIND,
    "side-by-side",
    "Keep what a call works with in local variables, not on the object.",
    after=("no-state", "resume"),
)
async def side_by_side(subject: MemorySubject) -> None:
    """Calls for several tasks at the same time do not disturb each other."""
    stream = await subject.stream(subject.one()).run()
    numbers = range(LENGTH, LENGTH + 4)
    alone = [(await stream.recall(number), await stream.absorb(experience(number), number)) for number in numbers]
    recalls = await asyncio.gather(*(stream.recall(number) for number in numbers))
    learnt = await asyncio.gather(*(stream.absorb(experience(number), number) for number in numbers))
    require([recall for recall, _ in alone] == recalls, "recalls for several tasks at the same time get mixed up")
    require([ops for _, ops in alone] == learnt, "absorbing several tasks at the same time gets mixed up")


@rule(
    KIND,
    "own-task",
    "Read items through the view, which leaves them out, and keep no copies in a document.",
    after=("operations", "provenance", "recalled-exist"),
)
async def own_task(subject: MemorySubject) -> None:
    """Nothing that was learned on a task is recalled for it."""
    stream = await subject.stream(subject.one()).run()
    for number in range(LENGTH):
        task = tasks().tasks[number]
        recall = await stream.recall(number)
        for item in recall.items:
            found = stream.bank.get(item.item_id, LENGTH)
            own = found is not None and found.provenance.task_id == task.id
            require(not own, f"an item that was learned on {task.id!r} is recalled for it")
        require(marker(number) not in recall.text, f"what happened on {task.id!r} is recalled for it")


@rule(
    KIND,
    "budget",
    "Limit how many items are recalled, and how much of each is kept.",
    after=("operations", "ids"),
)
async def budget(subject: MemorySubject) -> None:
    """What is shown to the agent stays short, however much is in the bank: at most 20,000 tokens."""

    async def long(request: ModelRequest) -> Completion:
        done = await practised(request)
        return Completion(done.text + "\n" + "And look again. " * 200 if request.purpose == "memory" else done.text)

    stream = subject.stream(subject.one(), long)
    await stream.run(MANY, padding=PADDING)
    longest = max([tokens_of((await stream.recall(number)).text) for number in range(4)])
    require(longest <= LONGEST, f"after {MANY} long tasks {longest:,} tokens are shown to the agent")


@rule(
    KIND,
    "any-reply",
    "Read replies leniently (rbsuite.reading), and learn nothing where nothing can be read.",
    after=("operations",),
)
async def any_reply(subject: MemorySubject) -> None:
    """Whatever its model replies, it raises nothing."""
    for text in ("", "No.", "{", "```json\n[1, 2\n```", "# Item 1", "\x00" * 50, "null", "[[[[" * 200, "<sheet>"):
        with bearing(f"its model replied {text[:20]!r}"):
            await subject.stream(subject.one(), Fixed(text)).run(3)


@rule(
    KIND,
    "model-fails",
    "Leave ModelError alone, or catch it and return no operations.",
    after=("operations",),
)
async def model_fails(subject: MemorySubject) -> None:
    """Where its model fails, it learns nothing or lets the ModelError pass; it raises nothing else."""
    stream = subject.stream(subject.one())
    await stream.run(2)
    stream.answer = Fixed(ModelError("the model failed."))
    for number in range(2, LENGTH):
        with bearing("its model failed", ModelError):
            await stream.recall(number)
        with bearing("its model failed", ModelError):
            await stream.absorb(experience(number), number)


@rule(
    KIND,
    "phases",
    'Handle RecallRequest.phase "step" and "retry" (history, rules, previous), or leave them out of the spec.',
    after=("operations",),
)
async def phases(subject: MemorySubject) -> None:
    """It recalls in every phase that its spec names, with and without an earlier recall."""
    known = ("task", "step", "retry")
    strange = [phase for phase in subject.spec.phases if phase not in known]
    require(not strange, f"its phases are {subject.spec.phases}")
    for length in (0, LENGTH):
        stream = await subject.stream(subject.one()).run(length)
        number = LENGTH
        for previous in (None, await stream.recall(number)):
            so_far = render_steps(trajectory(number).steps)
            if "step" in subject.spec.phases:
                await stream.recall(number, "step", step=1, history=so_far, previous=previous)
            if "retry" in subject.spec.phases:
                earlier = render_transcript(trajectory(number, right=False))
                await stream.recall(number, "retry", earlier=1, history=earlier, rules="Be brief.", previous=previous)


@rule(
    KIND,
    "domains",
    "Take the domain from the experience and the request; it may be empty.",
    after=("operations",),
)
async def domains(subject: MemorySubject) -> None:
    """It copes with tasks of several domains and of none."""
    assert len(DEPOTS) > 1
    stream = subject.stream(subject.one())
    for number in range(3):
        one = replace(experience(number), domain="")
        for op in await stream.absorb(one, number):
            require(op.item is None or op.item.domain == "", f"an item of a task without a domain has {op.item!r}")


@rule(
    KIND,
    "fenced",
    'Give items to templates, which fence them, and other texts to rbsuite.fencing.fence(text, "label").',
    after=("operations", "any-reply", "model-fails", "phases"),
)
async def fenced(subject: MemorySubject) -> None:
    """Text from environments and models is fenced, for the agent and for the memory's own model."""
    subject.make()  # raises if it cannot be tried
    await require_fenced(subject, memory=(subject.name,), judge="self")


RULES: tuple[Rule[Any], ...] = (
    *common_rules(KIND, lacking("recall", "absorb")),
    empty_bank,
    returns,
    operations,
    reason,
    in_bank(recalled_exist),
    provenance,
    ids,
    replayable,
    in_bank(
        repeatable(
            KIND,
            "Draw randomness from view.rng, and use no clock, no `hash()` and no generator of your own.",
            "operations",
        )
    ),
    own_chance(KIND, "Draw from view.rng.", "repeatable"),
    in_bank(no_state),
    resume,
    in_bank(side_by_side),
    own_task,
    budget,
    any_reply,
    model_fails,
    phases,
    domains,
    fenced,
)
"""The rules, in the order in which they are checked."""
