"""One reader for what models write.

Whatever a model is asked for (memory items, a verdict, a plan, an index, an action, a sheet, a list of numbers), its reply is read by
these modules with one set of tolerances:

- :mod:`rbsuite.reading.layers`: thinking is removed; text in a fence or a quote counts only if nothing outside it does;
- :mod:`rbsuite.reading.labels`: labels such as ``## Title``, ``**Title:**`` or ``1. Title -``, at any level and in any order;
- :mod:`rbsuite.reading.values`: JSON as models write it, and calls such as ``name(key="value")``;
- :mod:`rbsuite.reading.words`: numbers, "nothing to learn", and other words that stand for a value;
- :mod:`rbsuite.reading.stances`: words beside an answer that take it back or deny it: then it does not count.

All of them take time proportional to the length of the reply. What cannot be read raises :class:`rbsuite.reading.layers.Unreadable`,
whose text names the fault in words that go back to the model.
"""
