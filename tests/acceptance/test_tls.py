"""The page with a certificate of one's own: served, trusted by who knows the certificate, used by the commands."""

import asyncio
import shutil
import ssl
from pathlib import Path

import httpx
import pytest

from tests.support.daemon import Daemon, quiet_settings

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")


async def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that signs itself; return it and its key."""
    chain, key = folder / "page.pem", folder / "page.key"
    made = await asyncio.create_subprocess_exec(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=hermes", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(chain),
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await made.wait() == 0
    return chain, key


async def test_the_page_is_served_with_the_certificate_of_the_settings(tmp_path: Path) -> None:
    chain, key = await certificate(tmp_path)
    web = {"enabled": True, "tls_certificate": str(chain), "tls_key": str(key)}
    async with Daemon(tmp_path / "home", quiet_settings(web=web)) as daemon:
        await daemon.start()
        assert daemon.info.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(chain))
        async with httpx.AsyncClient(verify=trusting, trust_env=False, base_url=daemon.info.url) as known:
            assert (await known.get("/healthz")).json() == {"status": "ok"}
            page = await known.get("/login")
            assert (page.status_code, "max-age" in page.headers["strict-transport-security"]) == (200, True)
        async with httpx.AsyncClient(trust_env=False, base_url=daemon.info.url) as stranger:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await stranger.get("/healthz")
        assert await daemon.command("chat", "-q", "say over TLS") == (0, "over TLS\n")
        code, out = await daemon.command("status")
        assert (code, f"runs at {daemon.info.url}" in out) == (0, True)
        assert (await daemon.command("login"))[1].startswith(f"{daemon.info.url}/login#")


@pytest.mark.parametrize("broken", ["certificate", "key", "pair"])
async def test_a_certificate_that_cannot_be_used_is_told_with_the_way_out(
    tmp_path: Path, broken: str
) -> None:
    chain, key = await certificate(tmp_path)
    if broken == "pair":
        (tmp_path / "other").mkdir()
        _, key = await certificate(tmp_path / "other")
    else:
        (chain if broken == "certificate" else key).unlink()
    web = {"enabled": True, "tls_certificate": str(chain), "tls_key": str(key)}
    async with Daemon(tmp_path / "home", quiet_settings(web=web)) as daemon:
        code, out = await daemon.command("gateway")
    assert code == 78
    assert "web.tls_certificate" in out
    assert "Traceback" not in out
    assert "unforeseen" not in out
