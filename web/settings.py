"""What an operator can set about the local page and the API."""

from ipaddress import ip_address
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class WebSettings(BaseModel):
    """The local page, the REST API and the MCP server; they share one port."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(
        default=True, description="Serve the page and the API. `hermes chat` and MCP clients need them."
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on. Anything but this machine itself needs tls_certificate or behind_proxy.",
    )
    port: int = Field(default=8420, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    public_url: str = Field(
        default="",
        description="The address under which browsers reach the page, such as https://hermes.example.org.",
    )
    behind_proxy: bool = Field(
        default=False,
        description="A reverse proxy in front ends TLS and passes X-Forwarded-For and X-Forwarded-Proto.",
    )
    proxy_addresses: list[str] = Field(
        default=["127.0.0.1"],
        description="Addresses whose X-Forwarded-* headers are believed when behind_proxy is on.",
    )
    trusted_hosts: list[str] = Field(
        default=[], description="Further names under which the page may be asked for, without port."
    )
    tls_certificate: str = Field(default="", description="File with the TLS certificate chain (PEM).")
    tls_key: str = Field(default="", description="File with the TLS certificate's key (PEM).")
    upload_limit: int = Field(
        default=20 * 1024 * 1024,
        ge=1024,
        description="Largest file that may be uploaded in a chat, in bytes.",
    )
    login_minutes: int = Field(
        default=15, ge=1, le=1440, description="How long the one-time login token is good for."
    )
    page_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="A browser stays logged in for this many days after its last visit.",
    )
    open_metrics: bool = Field(default=False, description="Serve /metrics without a token.")

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, value: str) -> str:
        scheme, found, rest = value.rstrip("/").partition("://")
        if value and (scheme not in {"http", "https"} or not found or not rest or "/" in rest):
            raise ValueError("write it as https://name or https://name:port, without a path")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _is_not_exposed(self) -> Self:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key go together: set both or none")
        if not (self.is_loopback or self.tls_certificate or self.behind_proxy):
            raise ValueError(
                f"web.host {self.host} would show the page to the network without encryption: set tls_certificate and"
                " tls_key, or behind_proxy when a proxy ends TLS, or stay on 127.0.0.1 and use an SSH tunnel"
            )
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def secure(self) -> bool:
        """Whether browsers reach the page over TLS."""
        return bool(self.tls_certificate) or self.public_url.startswith("https://")
