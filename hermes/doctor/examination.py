"""All checks, in the order in which a person would want to read them."""

from collections.abc import Callable, Sequence

from hermes.doctor import coding, files, network, platforms
from hermes.doctor.patient import Level, Patient, Result

CHECKS: Sequence[Callable[[Patient], Result]] = (
    files.settings,
    files.home,
    files.secrets,
    files.disk,
    files.database,
    files.sqlite,
    files.lock,
    files.port,
    files.workspace,
    files.service,
    network.token,
    network.webhook,
    network.privacy,
    network.clock,
    platforms.check_of("discord"),
    platforms.check_of("slack"),
    files.owner,
    files.home_channel,
    network.model_key,
    network.model,
    coding.agents,
)


def examine(patient: Patient) -> list[Result]:
    """Run every check."""
    return [check(patient) for check in CHECKS]


def healthy(results: Sequence[Result]) -> bool:
    """Tell whether nothing failed."""
    return all(result.level is not Level.FAIL for result in results)
