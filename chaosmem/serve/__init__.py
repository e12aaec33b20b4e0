"""`chaosmem serve`: the runs and their history in a browser, and the buttons of a game day.

Needs the extra `serve` (starlette, uvicorn); nothing is built, and no page loads anything from
elsewhere. What a page may do is decided in `guard` alone, before any handler runs.
"""
