"""Campaigns: many experiments as one, resumable after any crash, with one verdict.

    spec.campaign_reader -> directory -> runner (local) or cluster -> cell -> rollup -> reports

`state` decides from journals alone, `schedule` and `radius` say what may run beside what; all
three are pure. Whoever runs a cell, a child process or a pod, does it by `cell.work`.
"""
