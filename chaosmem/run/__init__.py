"""Run: a plan into a run directory; the only loop.

`resolve.job` makes a job of a spec, `engine.execute` runs it, `finish.finish` ends what a killed
run left. Nothing is imported here: planning needs no network client.
"""
