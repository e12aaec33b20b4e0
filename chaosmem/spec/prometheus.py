"""Where Prometheus is, and how it lets us in; secrets are named, never written."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from chaosmem.spec.base import Model, Seconds

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Name of an environment variable."""


class PrometheusTls(Model):
    """Certificates of the connection (mTLS with `certFile` and `keyFile`)."""

    ca_file: str | None = None
    """Authorities to trust instead of the system's."""
    cert_file: str | None = None
    """Our own certificate."""
    key_file: str | None = None
    """The key of `certFile`."""

    @model_validator(mode="after")
    def _key_with_certificate(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("certFile and keyFile belong together; give both")
        return self


class Prometheus(Model):
    """A Prometheus, or a store with its HTTP API."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$")]
    """Base URL, without /api/v1 and without a password."""
    bearer_env: Variable | None = None
    """Environment variable that holds a bearer token."""
    bearer_file: str | None = None
    """File that holds a bearer token; read anew for each run."""
    basic_user: str | None = None
    """User of basic authentication."""
    basic_password_env: Variable | None = None
    """Environment variable that holds the password of `basicUser`."""
    basic_password_file: str | None = None
    """File that holds the password of `basicUser`."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers that are no secret, for example X-Scope-OrgID."""
    headers_env: dict[str, Variable] = Field(default_factory=dict)
    """Further headers whose values are in these environment variables."""
    tls: PrometheusTls | None = None
    """Certificates; absent: the system's authorities."""
    step: Annotated[Seconds, Field(gt=0)] = 1.0
    """Distance of the evaluated points of a range query."""
    timeout: Annotated[Seconds, Field(gt=0)] = 10.0
    """Longest that one query may take."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Further variables of queries: `{job: cart}` makes `$job` stand for cart."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.bearer_env and self.bearer_file:
            raise ValueError("bearerEnv and bearerFile both name the token; give one")
        passwords = [p for p in (self.basic_password_env, self.basic_password_file) if p]
        if len(passwords) != (1 if self.basic_user else 0):
            raise ValueError("basicUser needs one of basicPasswordEnv and basicPasswordFile")
        if self.basic_user and (self.bearer_env or self.bearer_file):
            raise ValueError("basic and bearer both write the Authorization header; give one")
        return self
