"""The filter, decided by an interpreter of its instructions: also for machines that the tests do not run on."""

from __future__ import annotations

import errno
import struct

import pytest

from checks.execution import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
MACHINES = {"x86_64": (0xC000003E, seccomp.X86_64), "aarch64": (0xC00000B7, seccomp.AARCH64)}


def decide(
    machine: str, number: int, arguments: tuple[int, ...] = (), architecture: int | None = None
) -> int:
    """What the kernel would answer."""
    program = seccomp.program(machine)
    assert program is not None
    data = struct.pack("=IIQ6Q", number, architecture or MACHINES[machine][0], 0, *(arguments + (0,) * 6)[:6])
    steps = list(struct.iter_unpack("=HBBI", program))
    accumulator = place = 0
    while True:
        code, true, false, value = steps[place]
        place += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, value)
            case 0x15:
                place += true if accumulator == value else false
            case 0x25:
                place += true if accumulator > value else false
            case 0x45:
                place += true if accumulator & value else false
            case 0x06:
                return value
            case _:
                raise AssertionError(code)


def refused(error: int) -> int:
    return 0x50000 | error


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_denied(machine: str) -> None:
    for name, number in {**MACHINES[machine][1], **seccomp.BOTH}.items():
        expected = (
            ALLOW
            if name in seccomp.FILTERED - {"socket"}
            else refused(errno.EAFNOSUPPORT if name == "socket" else errno.EPERM)
        )
        assert decide(machine, number) == expected, name
    assert decide(machine, seccomp.CLONE3) == refused(errno.ENOSYS)


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments(machine: str) -> None:
    numbers = MACHINES[machine][1]
    thread = 0x3D0F00  # what pthread_create asks for
    assert decide(machine, numbers["clone"], (thread,)) == ALLOW
    assert decide(machine, numbers["clone"], (17,)) == ALLOW
    for flag in (0x20000, 0x10000000, 0x20000000, 0x40000000, 0x80, thread | 0x10000000):
        assert decide(machine, numbers["clone"], (flag,)) == refused(errno.EPERM), hex(flag)
    for family, allowed in (
        (1, True),
        (2, True),
        (10, True),
        (16, True),
        (17, False),
        (38, False),
        (40, False),
        (44, False),
    ):
        assert (decide(machine, numbers["socket"], (family,)) == ALLOW) is allowed, family
    assert decide(machine, numbers["ioctl"], (0, 0x5401)) == ALLOW  # TCGETS
    assert decide(machine, numbers["ioctl"], (0, 0x5412)) == refused(errno.EPERM)
    assert decide(machine, numbers["ioctl"], (0, 0x1_0000_5412)) == refused(
        errno.EPERM
    )  # the kernel looks at 32 bits


def test_other_architectures_and_unknown_numbers() -> None:
    assert decide("x86_64", 20, architecture=0x40000003) == KILL  # i386
    assert decide("x86_64", 0x40000000 | 1) == refused(errno.ENOSYS)  # x32
    assert decide("x86_64", 463) == refused(errno.ENOSYS)
    assert decide("x86_64", 0) == ALLOW
    assert decide("x86_64", 462) == ALLOW


def test_a_machine_without_numbers_has_no_filter() -> None:
    assert seccomp.program("riscv64") is None


def test_the_profile_for_containers_denies_the_same() -> None:
    rules = seccomp.profile()["syscalls"]
    assert isinstance(rules, list)
    names = {name for rule in rules for name in rule["names"]}
    assert names == {*seccomp.X86_64, *seccomp.AARCH64, *seccomp.BOTH, "clone3"}
    families = [rule["args"][0]["value"] for rule in rules if rule["names"] == ["socket"]]
    assert not {1, 2, 10} & set(families)
    assert max(families) == 16  # greater than netlink
