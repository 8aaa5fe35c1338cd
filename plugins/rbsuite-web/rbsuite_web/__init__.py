"""What web environments share: their own Chromium, pages as text, and actions by reference.

- :mod:`rbsuite_web.browser`: one Chromium, long-lived, with a fresh profile for every episode;
- :mod:`rbsuite_web.pool`: several of them, lent to the episodes of an environment;
- :mod:`rbsuite_web.page`: a page as text, and the references by which its elements are named;
- :mod:`rbsuite_web.episode`: an episode whose tools act on the page;
- :mod:`rbsuite_web.environment`: an environment that owns a pool;
- :mod:`rbsuite_web.doctor`: what ``rbsuite doctor`` says about the browser;
- :mod:`rbsuite_web.guard`: the process that makes sure a browser ends in every case.

It declares no environment itself.
"""
