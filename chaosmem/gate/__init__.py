"""The CI gate: a verdict and its baseline into one decision, and what a CI shows of it.

    text -> spec -> run -> Verdict ─┬─ decision.decide ─> Decision ─> SARIF, annotations, summary
            approved baseline ──────┘

All of it is pure: `chaosmem.cli.gating` runs the experiment, asks the history, writes the files.
"""
