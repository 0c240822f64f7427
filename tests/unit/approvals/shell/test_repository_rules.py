"""git and its refspecs, settings and transports."""

import pytest

from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import tier_of

AT_LEAST = [
    (Tier.HIGH, "git push --force"),
    (Tier.HIGH, "git push -f"),
    (Tier.HIGH, "git push -uf origin x"),
    (Tier.HIGH, "git push origin +main"),
    (Tier.HIGH, "git push --forc origin x"),
    (Tier.HIGH, "git push --force-with-lease=x origin y"),
    (Tier.HIGH, "git push --mirror"),
    (Tier.HIGH, "git push origin +refs/heads/x:refs/heads/x"),
    (Tier.HIGH, "git -C ../x push -f"),
    (Tier.HIGH, "git push origin :main"),
    (Tier.HIGH, "git push origin --delete main"),
    (Tier.HIGH, '"git" push -f'),
    (Tier.HIGH, "git pus''h -f"),
    (Tier.HIGH, "x=push; git $x -f"),
    (Tier.HIGH, "git push $FLAGS"),
    (Tier.HIGH, 'git push origin "$X"'),
    (Tier.HIGH, "rm -rf .git"),
    (Tier.HIGH, "git filter-branch --all"),
    (Tier.HIGH, "git reflog expire --all"),
    (Tier.HIGH, "git clone ext::sh"),
    (Tier.HIGH, "git push ext::sh main"),
    (Tier.HIGH, "git -c core.hooksPath=/tmp/x commit -m x"),
    (Tier.HIGH, "git --exec-path=/tmp/x status"),
    (Tier.MEDIUM, "PAGER=cat git log"),
    (Tier.MEDIUM, "git rm x"),
    (Tier.MEDIUM, "git branch -D x"),
    (Tier.MEDIUM, "git push origin main"),
    (Tier.MEDIUM, "git push origin HEAD:main"),
    (Tier.MEDIUM, "git push origin x:refs/heads/main"),
    (Tier.MEDIUM, "git push origin v1.0.0"),
    (Tier.MEDIUM, "git push --tags"),
    (Tier.MEDIUM, "git config user.name x"),
    (Tier.MEDIUM, "git checkout -- ."),
    (Tier.MEDIUM, "git checkout ."),
    (Tier.MEDIUM, "git restore ."),
    (Tier.MEDIUM, "git reset --hard"),
    (Tier.MEDIUM, "git clean -fdx"),
    (Tier.MEDIUM, "git remote set-url origin x"),
    (Tier.MEDIUM, "echo x > .git/hooks/pre-commit"),
    (Tier.MEDIUM, "cp x .git/hooks/post-merge"),
    (Tier.MEDIUM, "ln -s x .git/hooks/pre-push"),
    (Tier.MEDIUM, "git ls-files | xargs rm"),
    (Tier.DENY, "git log --output=/etc/passwd"),
    (Tier.HIGH, "git push origin HEAD:refs/heads/production"),
    (Tier.HIGH, "git push -ufq"),
    (Tier.HIGH, "git push origin HEAD --force-if-includes"),
    (Tier.HIGH, "git push --delete origin main"),
    (Tier.HIGH, "git push origin 'refs/heads/*:refs/heads/*' -f"),
    (Tier.HIGH, "git push ssh://x/y +main"),
    (Tier.HIGH, "git -c push.default=x push -f"),
    (Tier.HIGH, "cd x && git push -f"),
    (Tier.HIGH, "(git push -f)"),
    (Tier.HIGH, "git commit -m x && git push --force"),
]

EXACTLY = [
    (Tier.NONE, "git push -u origin feature/x"),
    (Tier.NONE, "git push origin HEAD"),
    (Tier.NONE, 'git commit -m "git push --force is data"'),
    (Tier.NONE, "git log --grep=force"),
    (Tier.NONE, "git checkout feature/x"),
    (Tier.NONE, "git restore --staged x"),
    (Tier.NONE, "git config --get user.name"),
    (Tier.NONE, "git -c user.name=x commit -m y"),
    (Tier.NONE, "git clean -n"),
    (Tier.NONE, "git push --dry-run --force"),
    (Tier.MEDIUM, "git push https://example.com/x.git main2"),
    (Tier.MEDIUM, "git push --all"),
    (Tier.HIGH, 'git push origin "+$X"'),
    (Tier.HIGH, "git push origin production"),
    (Tier.HIGH, "git credential fill"),
    (Tier.MEDIUM, "git push --no-verify"),
    (Tier.MEDIUM, "git switch -C x"),
    (Tier.MEDIUM, "git grep -Ocat x"),
    (Tier.MEDIUM, "git log --ext-diff"),
    (Tier.HIGH, "git clone -c core.hooksPath=/tmp/x https://example.com/x"),
    (Tier.MEDIUM, "git bisect run ./x.sh"),
    (Tier.MEDIUM, "git unknownverb"),
]


@pytest.mark.parametrize(("tier", "command"), AT_LEAST, ids=[command for _, command in AT_LEAST])
def test_git_gets_the_tier_that_it_deserves(tier: Tier, command: str) -> None:
    assert tier_of(command) >= tier


@pytest.mark.parametrize(("tier", "command"), EXACTLY, ids=[command for _, command in EXACTLY])
def test_neighbours_of_the_rule_are_neither_raised_nor_lowered(tier: Tier, command: str) -> None:
    assert tier_of(command) is tier
