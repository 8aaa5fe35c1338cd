"""A Jinja2 sandbox in which a template can neither run forever nor use up the memory.

Jinja2's own sandbox keeps templates away from the interpreter and bounds ``range``. Here each rendering has a number of steps, and
everything takes some, in proportion to its work: an iteration of a loop, by the length of its body; a call, a filter, an include; a
comparison, a search, a slice; every hundred characters that are handled. What makes much out of little (powers, products, repetition,
padding, formats) is refused before it is computed. The counts depend only on the templates and their variables: nothing is computed while
a template is compiled, and a template takes the same whether or not it is compiled already.

:mod:`rbsuite.templating.environment` is the environment, :mod:`rbsuite.templating.rewriting` puts into a parsed template what takes steps,
:mod:`rbsuite.templating.filters` says what filters and methods take, and :mod:`rbsuite.templating.steps` what values take.
"""
