"""Papers for people: why a plan is as it is, the runbook of a game day, and the hand-over after it.

Each is made as a `document`, and written as text, Markdown or HTML. All of it is pure.
"""
