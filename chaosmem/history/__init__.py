"""Verdicts over months: a database of runs, approved baselines, and what has shifted since when.

    with database.opened(place.resolve("")) as history:
        store.put(history, reading.read(rundir.find(Path("runs"), "latest")))

Nothing is imported here: `list` and `trend` must not pay for what only `import` needs.
`model`, `levels`, `against`, `trend`, `differences` and `stats` are pure; `tables`, `database`,
`store`, `queries` and `baselines` are the only modules of chaosmem that know SQLAlchemy.
"""
