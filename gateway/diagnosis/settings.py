"""Settings of diagnoses."""

from pydantic import BaseModel, ConfigDict, Field


class DiagnosisSettings(BaseModel):
    """Bugs that are diagnosed and fixed from a chat."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    tests: dict[str, str] = Field(
        default_factory=dict,
        description="The command that tests a project, by its folder; else Makefile, package.json and the like tell.",
    )
    test_minutes: float = Field(
        default=15.0,
        gt=0,
        le=600,
        description="Minutes the tests of a fix may take; longer counts as failed.",
    )
