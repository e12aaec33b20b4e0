"""Kubernetes: the only package that imports the `kubernetes` client, and only once it is used.

Objects are read and written as the API server speaks them (JSON), never through the client's
generated models: those drop fields that they do not know, and a revert must be exact.
"""
