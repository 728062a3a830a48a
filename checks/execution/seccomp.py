"""The filter of system calls, as a classic BPF program that bubblewrap installs.

Everything is allowed but what a test of a model never needs and what past escapes used: tracing other processes, mounts and namespaces,
kernel modules, BPF, io_uring, keyrings; and memory that no limit counts (`memfd_create`, System V shared memory). Sockets are local
ones and IP (there is no network behind it); vsock, which reaches a virtual machine's host, is not.

Written out here because libseccomp would have to be installed by the operator for one list of numbers.
"""

from __future__ import annotations

import errno
import platform
import struct

X86_64 = {
    "socket": 41, "clone": 56, "semget": 64, "shmget": 29, "msgget": 68, "ioctl": 16, "ptrace": 101, "syslog": 103,
    "uselib": 134, "vhangup": 153, "modify_ldt": 154, "pivot_root": 155, "_sysctl": 156, "adjtimex": 159,
    "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168,
    "reboot": 169, "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "create_module": 174,
    "init_module": 175, "delete_module": 176, "get_kernel_syms": 177, "query_module": 178, "quotactl": 179,
    "nfsservctl": 180, "lookup_dcookie": 212, "clock_settime": 227, "mq_open": 240, "kexec_load": 246,
    "add_key": 248, "request_key": 249, "keyctl": 250, "migrate_pages": 256, "unshare": 272, "move_pages": 279,
    "perf_event_open": 298, "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304,
    "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "finit_module": 313, "memfd_create": 319, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
}  # fmt: skip
"""Numbers of <asm/unistd_64.h>."""

AARCH64 = {
    "lookup_dcookie": 18, "ioctl": 29, "umount2": 39, "mount": 40, "pivot_root": 41, "nfsservctl": 42, "chroot": 51,
    "vhangup": 58, "quotactl": 60, "acct": 89, "unshare": 97, "kexec_load": 104, "init_module": 105,
    "delete_module": 106, "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142, "sethostname": 161,
    "setdomainname": 162, "settimeofday": 170, "adjtimex": 171, "mq_open": 180, "msgget": 186, "semget": 190,
    "shmget": 194, "socket": 198, "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220, "swapon": 224,
    "swapoff": 225, "migrate_pages": 238, "move_pages": 239, "perf_event_open": 241, "fanotify_init": 262,
    "name_to_handle_at": 264, "open_by_handle_at": 265, "clock_adjtime": 266, "setns": 268,
    "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "memfd_create": 279,
    "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294,
}  # fmt: skip
"""Numbers of <asm-generic/unistd.h>."""

BOTH = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "process_madvise": 440,
    "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447,
}  # fmt: skip
"""Since Linux 5.1 the numbers are the same everywhere."""

NEWEST = 462
"""`mseal` of Linux 6.10. What came later reads as not there, until someone has looked at it."""

CLONE3 = 435
FILTERED = frozenset({"socket", "clone", "ioctl"})
"""Allowed, but for some arguments."""

# <linux/sched.h>: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME
NEW_NAMESPACE = (
    0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x80
)
UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
"""Type into, or paste on, the terminal of whoever started us."""

_ARCHITECTURES = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}
_X32 = 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_SET, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = (
    0,
    4,
    16,
    24,
)  # offsets in struct seccomp_data; low words of two arguments


def program(machine: str | None = None) -> bytes | None:
    """The filter for this machine (or for `machine`, as `platform.machine()` names it); None where its numbers are not known."""
    if (machine or platform.machine()) not in _ARCHITECTURES:
        return None
    architecture, numbers = _ARCHITECTURES[machine or platform.machine()]
    denied = sorted(number for name, number in {**numbers, **BOTH}.items() if name not in FILTERED)
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_JUMP_EQUAL, architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        *_unless_greater(_X32 - 1, errno.ENOSYS),
        *_unless_greater(NEWEST, errno.ENOSYS),
        *_unless_equal(
            CLONE3, errno.ENOSYS
        ),  # its flags lie in memory, out of a filter's sight; libc falls back to clone
    ]
    for number in denied:
        steps += _unless_equal(number, errno.EPERM)
    steps += _when(numbers["clone"], [
        _step(_LOAD, _FIRST),
        _step(_JUMP_SET, NEW_NAMESPACE, 0, 1),
        _step(_RETURN, _ERRNO | errno.EPERM),
    ])  # fmt: skip
    steps += _when(numbers["ioctl"], [
        _step(_LOAD, _SECOND),
        *_unless_equal(TIOCSTI, errno.EPERM),
        *_unless_equal(TIOCLINUX, errno.EPERM),
    ])  # fmt: skip
    steps += _when(numbers["socket"], [
        _step(_LOAD, _FIRST),
        *(_step(_JUMP_EQUAL, family, 4 - place, 0) for place, family in enumerate((UNIX, INET, INET6, NETLINK))),
        _step(_RETURN, _ERRNO | errno.EAFNOSUPPORT),
    ])  # fmt: skip
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def profile() -> dict[str, object]:
    """The same filter as podman and docker take it. Conditions of one rule hold together, so each alternative is a rule."""

    def deny(
        name: str, error: int, place: int, operator: str, value: int, second: int = 0
    ) -> dict[str, object]:
        condition = {"index": place, "value": value, "valueTwo": second, "op": operator}
        return {"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": error, "args": [condition]}

    allowed = (UNIX, INET, INET6, NETLINK)
    bits = [1 << bit for bit in range(32) if NEW_NAMESPACE >> bit & 1]
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": [
            {
                "names": sorted({*X86_64, *AARCH64, *BOTH} - FILTERED),
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": errno.EPERM,
            },
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS},
            *(deny("clone", errno.EPERM, 0, "SCMP_CMP_MASKED_EQ", bit, bit) for bit in bits),
            *(deny("ioctl", errno.EPERM, 1, "SCMP_CMP_EQ", request) for request in (TIOCSTI, TIOCLINUX)),
            *(
                deny("socket", errno.EAFNOSUPPORT, 0, "SCMP_CMP_EQ", family)
                for family in range(max(allowed))
                if family not in allowed
            ),
            deny("socket", errno.EAFNOSUPPORT, 0, "SCMP_CMP_GT", max(allowed)),
        ],
    }


def _step(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, true, false, value)


def _unless_equal(value: int, error: int) -> list[bytes]:
    return [_step(_JUMP_EQUAL, value, 0, 1), _step(_RETURN, _ERRNO | error)]


def _unless_greater(value: int, error: int) -> list[bytes]:
    return [_step(_JUMP_GREATER, value, 0, 1), _step(_RETURN, _ERRNO | error)]


def _when(number: int, steps: list[bytes]) -> list[bytes]:
    """`steps`, which end in allowing what they let through, if the call is `number`."""
    steps = [*steps, _step(_RETURN, _ALLOW)]
    return [_step(_JUMP_EQUAL, number, 0, len(steps)), *steps]
