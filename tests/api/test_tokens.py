"""Access tokens: ours, whole, and in time."""

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.auth.signed_claims import ISSUER
from api.auth.tokens import AUDIENCE, Tokens
from api.errors import Unauthorized
from infra.errors import PacelineError
from infra.settings import Settings
from tests.conftest import FakeClock

SECRET = "a secret of this test that is long enough for any of the HMAC algorithms, SHA512 too"
SETTINGS = Settings(jwt_secret=SecretStr(SECRET))


def _claims(clock: FakeClock, **changes: object) -> dict[str, object]:
    now_s = clock() // 1000
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "7", "role": "trainer", "name": "Nora", "sid": "s-1", "jti": "x"}
    return {**whole, "iat": now_s, "exp": now_s + 900, **changes}


def _reason(tokens: Tokens, token: str) -> str:
    with pytest.raises(Unauthorized) as refused:
        tokens.verify(token)
    return refused.value.kind


def test_a_token_names_its_holder_until_it_expires(clock: FakeClock) -> None:
    tokens = Tokens(SETTINGS, clock)
    token = tokens.issue(7, "Nora Lindgren", "trainer", "s-1")
    principal = tokens.verify(token)
    assert (principal.user_id, principal.name, principal.role, principal.sign_in_id) == (7, "Nora Lindgren", "trainer", "s-1")
    assert principal.expires_at_ms == (clock() // 1000 + 900) * 1000
    clock.forward(899)
    tokens.verify(token)
    clock.forward(1)
    assert _reason(tokens, token) == "token_expired"


@pytest.mark.parametrize(
    "changes",
    [{"aud": "another"}, {"iss": "another"}, {"role": "king"}, {"role": "device"}, {"sub": "x"}, {"exp": "never"}],
    ids=str,
)
def test_a_token_made_for_something_else_is_refused(clock: FakeClock, changes: dict[str, object]) -> None:
    token = jwt.encode(_claims(clock, **changes), SECRET, algorithm="HS256")
    assert _reason(Tokens(SETTINGS, clock), token) == "token_invalid"


def test_a_token_without_a_claim_is_refused(clock: FakeClock) -> None:
    for claim in _claims(clock):
        claims = _claims(clock)
        del claims[claim]
        assert _reason(Tokens(SETTINGS, clock), jwt.encode(claims, SECRET, algorithm="HS256")) == "token_invalid"


def test_another_algorithm_or_none_is_refused(clock: FakeClock) -> None:
    tokens = Tokens(SETTINGS, clock)
    assert _reason(tokens, jwt.encode(_claims(clock), SECRET, algorithm="HS512")) == "token_invalid"
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(_claims(clock)).encode()).rstrip(b"=").decode()
    assert _reason(tokens, f"{header}.{body}.") == "token_invalid"


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_any_other_text_is_refused_and_never_breaks(text: str) -> None:
    assert _reason(Tokens(SETTINGS, FakeClock()), text) == "token_invalid"


def test_a_short_secret_stops_the_start() -> None:
    with pytest.raises(PacelineError, match="JWT_SECRET"):
        Tokens(Settings(jwt_secret=SecretStr("short")), FakeClock())
