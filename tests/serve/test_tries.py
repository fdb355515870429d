from benchhub.serve.tries import OF_ADDRESS, OF_ALL, WITHIN_S, TokenHolders, TokenTries

TOKEN = "a-token-of-the-tests-own"


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_an_address_that_tried_too_often_waits_and_others_do_not() -> None:
    clock = Clock()
    tries = TokenTries(clock)
    for _ in range(OF_ADDRESS):
        assert tries.wait_s("192.0.2.1") == 0
        tries.wrong("192.0.2.1")
    assert tries.wait_s("192.0.2.1") == WITHIN_S
    assert tries.wait_s("192.0.2.2") == 0
    clock.now_s += WITHIN_S
    assert tries.wait_s("192.0.2.1") == 0


def test_a_network_of_many_addresses_is_one_caller() -> None:
    tries = TokenTries(Clock())
    for at in range(OF_ADDRESS):
        tries.wrong(f"2001:db8::{at:x}")
    assert tries.wait_s("2001:db8::ffff") > 0
    assert tries.wait_s("2001:db8:1::1") == 0


def test_many_addresses_together_wait_too() -> None:
    clock = Clock()
    tries = TokenTries(clock)
    for at in range(OF_ALL):
        tries.wrong(f"192.0.2.{at}")
    assert tries.wait_s("198.51.100.1") > 0
    clock.now_s += WITHIN_S
    assert tries.wait_s("198.51.100.1") == 0


def test_a_cookie_is_worth_something_until_it_is_old_or_forgotten() -> None:
    clock = Clock()
    holders = TokenHolders(TOKEN, clock)
    assert holders.is_token(TOKEN)
    assert not holders.is_token(TOKEN[:-1])
    assert not holders.is_token("\udcff")
    one, other = holders.admit(), holders.admit()
    assert TOKEN not in one
    assert holders.admitted(one)
    assert not holders.admitted("")
    assert not holders.admitted(one + "x")
    holders.forget(one)
    assert not holders.admitted(one)
    clock.now_s += 13 * 3600
    assert not holders.admitted(other)
