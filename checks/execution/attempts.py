"""Attempts to escape: this file's own source runs inside a sandbox, with nothing but the standard library of any Python 3.8 or newer.

Each attempt returns what it got hold of; an empty text means that the sandbox held. `escapes` sends the source in, with facts about the
host that it prepared (a secret file, sockets that listen), and reads one record for each attempt.
"""

import contextlib
import ctypes
import errno
import json
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import sys

FACTS = {}
LIBC = ctypes.CDLL(None, use_errno=True)
REFUSED = (errno.EPERM, errno.ENOSYS, errno.EACCES)

X86_64 = {
    "ptrace": 101, "mount": 165, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308, "bpf": 321,
    "perf_event_open": 298, "userfaultfd": 323, "keyctl": 250, "add_key": 248, "open_by_handle_at": 304,
    "init_module": 175, "kexec_load": 246, "reboot": 169, "process_vm_readv": 310, "memfd_create": 319, "shmget": 29,
    "clone": 56, "msgget": 68,
}  # fmt: skip
AARCH64 = {
    "ptrace": 117, "mount": 40, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268, "bpf": 280,
    "perf_event_open": 241, "userfaultfd": 282, "keyctl": 219, "add_key": 217, "open_by_handle_at": 265,
    "init_module": 105, "kexec_load": 104, "reboot": 142, "process_vm_readv": 270, "memfd_create": 279, "shmget": 194,
    "clone": 220, "msgget": 186,
}  # fmt: skip
BOTH = {
    "io_uring_setup": 425,
    "fsopen": 430,
    "move_mount": 429,
    "clone3": 435,
    "pidfd_getfd": 438,
    "memfd_secret": 447,
}
NUMBERS = {**(X86_64 if platform.machine() == "x86_64" else AARCH64), **BOTH}


def syscall(name, *arguments):
    """Error number; 0 if the kernel did it."""
    ctypes.set_errno(0)
    result = LIBC.syscall(NUMBERS[name], *arguments)
    return ctypes.get_errno() if result == -1 else 0


def refused(*calls):
    """The calls that were not refused."""
    got = []
    for name, *arguments in calls:
        error = syscall(name, *arguments)
        if error not in REFUSED:
            got.append("%s: %s" % (name, errno.errorcode.get(error, "done")))
    return ", ".join(got)


def host_files():
    """Files of the host."""
    got = []
    places = [
        FACTS["secret"],
        "/proc/1/root" + FACTS["secret"],
        "/proc/self/root" + FACTS["secret"],
        "/etc/shadow",
        "/etc/passwd",
    ]
    places += [
        "/root/.ssh/id_rsa",
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/proc/kcore",
        "/dev/mem",
        "/dev/kmsg",
    ]
    for place in places:
        with contextlib.suppress(OSError):
            handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
            got.append(place)
            os.close(handle)
    return ", ".join(got)


def host_folders():
    """Folders of the host."""
    names = set(os.listdir("/")) - {
        "bin",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "dev",
        "etc",
        "proc",
        "sys",
        "tmp",
        "usr",
        *FACTS["roots"],
    }
    return ", ".join(sorted(names))


def links():
    """Symbolic and hard links that lead out."""
    os.symlink(FACTS["secret"], "/tmp/link")
    os.symlink("/proc/1/root/..", "/tmp/up")
    got = [name for name in ("/tmp/link", "/tmp/up" + FACTS["secret"]) if os.path.exists(name)]
    with contextlib.suppress(OSError):
        os.link(FACTS["bound"], "/tmp/hard")
        got.append("hard link to a file that is shown")
    return ", ".join(got)


def environment():
    """Environment variables of the service."""
    got = [name for name in os.environ if name == FACTS["variable"]]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open("/proc/%s/environ" % pid, "rb") as file:
            if FACTS["variable"].encode() in file.read():
                got.append("/proc/%s/environ" % pid)
    return ", ".join(got)


def other_processes():
    """Processes of the host."""
    got = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open("/proc/%s/cmdline" % pid, "rb") as file:
            words = file.read()
            if int(pid) not in (1, os.getpid()) and b"tfport-canary" in words:
                got.append(pid)
    if len(list(filter(str.isdigit, os.listdir("/proc")))) > 8:
        got.append("more than 8 processes")
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(FACTS["pid"], 0)
        if FACTS["pid"] > 20:
            got.append("kill(%s)" % FACTS["pid"])
    return ", ".join(got)


def first_process():
    """Signals to the sandbox's own first process."""
    for name in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
        with contextlib.suppress(OSError):
            os.kill(1, name)
    with open("/proc/1/stat", "rb") as file:
        state = file.read().rpartition(b")")[2].split()[0]
    return "" if state in (b"S", b"R", b"D") else "state %s" % state


def network():
    """The network: addresses of this machine, of the cloud's metadata service, of the outside."""
    got = []
    for address in (("127.0.0.1", FACTS["port"]), ("169.254.169.254", 80), ("1.1.1.1", 53)):
        with contextlib.suppress(OSError), socket.socket() as tcp:
            tcp.settimeout(0.5)
            tcp.connect(address)
            got.append("%s:%s" % address)
    with open("/proc/net/dev") as file:
        names = [line.split(":")[0].strip() for line in file.readlines()[2:]]
    got += [
        name
        for name in names
        if name != "lo"
        and not name.startswith(("sit", "tunl", "ip6tnl", "gre", "erspan", "ip_vti", "ip6_vti", "ip6gre"))
    ]
    return ", ".join(got)


def local_sockets():
    """Local sockets of the host, in its abstract name space and as files."""
    got = []
    for address in ("\0" + FACTS["abstract"], FACTS["socket"]):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as local:
            local.connect(address)
            got.append(repr(address))
    return ", ".join(got)


def machine_sockets():
    """Sockets to the machine around this one, to its kernel's cryptography, to raw packets."""
    got = []
    for family, kind in (
        (40, socket.SOCK_STREAM),
        (38, socket.SOCK_SEQPACKET),
        (17, socket.SOCK_RAW),
        (2, socket.SOCK_RAW),
    ):
        with contextlib.suppress(OSError):
            socket.socket(family, kind).close()
            got.append("family %s" % family)
    return ", ".join(got)


def writing():
    """Writing outside of /tmp and /dev/shm."""
    got = []
    places = [
        "/x",
        "/usr/x",
        "/usr/bin/x",
        "/usr/lib/x",
        "/etc/x",
        "/dev/x",
        "/sys/x",
        "/proc/sys/kernel/core_pattern",
    ]
    places += [
        "/proc/sys/vm/overcommit_memory",
        "/proc/sys/fs/file-max",
        "/proc/sysrq-trigger",
        os.path.join(os.path.dirname(FACTS["bound"]), "x"),
    ]
    for place in places:
        with contextlib.suppress(OSError):
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT, 0o666))
            got.append(place)
    return ", ".join(got)


def changing():
    """Changing a file that is shown."""
    got = []
    path = FACTS["bound"]
    handle = os.open(path, os.O_RDONLY)
    for name, change in (
        ("truncate", lambda: os.truncate(path, 0)),
        ("chmod", lambda: os.chmod(path, 0o777)),
        ("delete", lambda: os.unlink(path)),
        ("rename", lambda: os.rename(path, path + "x")),
        ("times", lambda: os.utime(path, (0, 0))),
        ("attribute", lambda: os.setxattr(path, "user.x", b"x")),
        ("open again", lambda: os.open("/proc/self/fd/%s" % handle, os.O_WRONLY)),
        ("map", lambda: mmap.mmap(handle, 4096, prot=mmap.PROT_WRITE)),
    ):
        with contextlib.suppress(OSError, ValueError):
            change()
            got.append(name)
    os.close(handle)
    return ", ".join(got)


def tracing():
    """Tracing another process, reading its memory, taking its files."""
    return refused(("ptrace", 16, 1, 0, 0), ("process_vm_readv", 1, 0, 0, 0, 0, 0), ("pidfd_getfd", 0, 0, 0))


def namespaces():
    """New name spaces, where a process would have rights again."""
    flags = 0x10000000  # CLONE_NEWUSER
    return refused(
        ("unshare", flags),
        ("unshare", 0x20000),
        ("setns", 0, 0),
        ("clone", flags | 17, 0, 0, 0, 0),
        ("clone3", 0, 0),
    )


def mounting():
    """Mounts and another root."""
    return refused(
        ("mount", b"none", b"/tmp", b"tmpfs", 0, 0), ("fsopen", b"tmpfs", 0), ("move_mount", -100, b"/", -100, b"/tmp", 0),
        ("pivot_root", b"/tmp", b"/tmp"), ("chroot", b"/tmp"),
    )  # fmt: skip


def kernel():
    """Interfaces of the kernel that were ways out before."""
    return refused(
        ("bpf", 0, 0, 0), ("perf_event_open", 0, 0, -1, -1, 0), ("userfaultfd", 0), ("io_uring_setup", 1, 0), ("keyctl", 0, -3, 0),
        ("add_key", b"user", b"x", b"x", 1, -2), ("open_by_handle_at", -100, 0, 0), ("init_module", 0, 0, b""),
        ("kexec_load", 0, 0, 0, 0), ("reboot", 0, 0, 0, 0),
    )  # fmt: skip


def hidden_memory():
    """Memory that no limit would count."""
    return refused(
        ("memfd_create", b"x", 0), ("memfd_secret", 0), ("shmget", 0, 1 << 20, 0o1600), ("msgget", 0, 0o1600)
    )


def devices():
    """Devices, found or made."""
    got = []
    for name, kind, major, minor in (("block", 0o60000, 254, 0), ("memory", 0o20000, 1, 1)):
        with contextlib.suppress(OSError):
            os.mknod("/tmp/" + name, kind | 0o666, os.makedev(major, minor))
            os.close(os.open("/tmp/" + name, os.O_RDWR))
            got.append("made a %s device" % name)
    allowed = {
        "console",
        "core",
        "fd",
        "full",
        "null",
        "ptmx",
        "pts",
        "random",
        "shm",
        "stderr",
        "stdin",
        "stdout",
        "tty",
        "urandom",
        "zero",
    }
    return ", ".join(got + sorted(set(os.listdir("/dev")) - allowed))


def rights():
    """Becoming root, rights of the kernel's, programs that lend them."""
    got = []
    for name, become in (
        ("setuid", lambda: os.setuid(0)),
        ("setgid", lambda: os.setgid(0)),
        ("groups", lambda: os.setgroups([0])),
    ):
        with contextlib.suppress(OSError):
            become()
            got.append(name)
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    got += [name for name in ("CapInh", "CapPrm", "CapEff", "CapAmb") if int(status[name], 16)]
    got += ["new privileges"] if status["NoNewPrivs"] != "1" else []
    got += ["no filter"] if status["Seccomp"] != "2" else []
    return ", ".join(got)


def terminal():
    """Typing into the operator's terminal."""
    got = []
    for handle in (0, 1, 2):
        for request in (0x5412, 0x541C):
            ctypes.set_errno(0)
            LIBC.ioctl(handle, ctypes.c_ulong(request), b"x")
            if ctypes.get_errno() not in (errno.EPERM, errno.ENOTTY):
                got.append("ioctl %#x" % request)
    with contextlib.suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR))
        got.append("/dev/tty")
    return ", ".join(got)


def raising_limits():
    """Lifting its own limits."""
    got = []
    for name in ("RLIMIT_NPROC", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"):
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        if hard == resource.RLIM_INFINITY:
            got.append(name + " is not set")
            continue
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (hard + 1, hard + 1))
            got.append(name)
    with contextlib.suppress(OSError):
        os.nice(-5)
        got.append("priority")
    return ", ".join(got)


def inherited_files():
    """Files that the service has open."""
    expected = {0, 1, 2, int(os.environ["TFPORT_RESULTS_FD"])}
    got = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink("/proc/self/fd/" + name)
            if int(name) not in expected and not target.startswith("/proc/"):
                got.append("%s → %s" % (name, target))
    return ", ".join(got)


def other_architecture():
    """System calls by the numbers of another architecture, past the filter."""
    if platform.machine() != "x86_64":
        return ""
    child = os.fork()
    if child == 0:
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid of i386); int 0x80; ret
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
        os._exit(0)
    return "" if os.WIFSIGNALED(os.waitpid(child, 0)[1]) else "int 0x80 went through"


ATTEMPTS = (
    host_files, host_folders, links, environment, other_processes, first_process, network, local_sockets, machine_sockets, writing,
    changing, tracing, namespaces, mounting, kernel, hidden_memory, devices, rights, terminal, raising_limits, inherited_files,
    other_architecture,
)  # fmt: skip


def main():
    handle = int(os.environ["TFPORT_RESULTS_FD"])
    for attempt in ATTEMPTS:
        try:
            got = attempt()
        except Exception as error:
            got = "%s: %s" % (type(error).__name__, error)
        record = json.dumps([attempt.__name__, got]).encode()
        os.write(handle, struct.pack(">I", len(record)) + record)


if __name__ == "__main__":
    FACTS = json.loads(sys.argv[1])
    main()
