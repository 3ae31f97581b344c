"""Enfermer un processus avant d'y exécuter le programme d'un inconnu.

Bibliothèque standard seule, sans privilège : limites de ressources, privilèges de root rendus,
Landlock (les fichiers) et seccomp (les appels système). Chaque protection est prise si la
machine l'offre ; `enter` dit lesquelles le sont. Ce n'est ni un conteneur ni une machine
virtuelle : le noyau reste partagé (docs/enseignants.md). Hors de Linux, `check_system` refuse.

Source : pages `landlock(7)`, `seccomp(2)`, `prctl(2)`, `setrlimit(2)` et `capabilities(7)`.
"""

import ctypes
import errno
import functools
import os
import platform
import signal
import struct
import sys
from pathlib import Path
from typing import NamedTuple

NOBODY = 65534
READABLE = (  # ce dont Python et TensorFlow ont besoin, en plus de leurs propres dossiers
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/fonts",
    "/etc/nsswitch.conf",
    "/proc",
    "/sys/devices/system",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/nix/store",
)


class Limits(NamedTuple):
    """Ce qu'un processus peut prendre."""

    cpu_s: int  # secondes de processeur, sa vie entière
    memory_mb: int  # Mio en plus de ce que Python et ses bibliothèques occupent au départ
    file_mb: int = 256  # Mio par fichier écrit
    open_files: int = 128


class WrongSystemError(OSError):
    """Ce système n'a pas de quoi enfermer un rendu."""


def check_system() -> None:
    """Vérifie que des rendus peuvent être enfermés ici.

    Raises:
        WrongSystemError: ce n'est pas Linux.
    """
    if sys.platform != "linux":
        raise WrongSystemError(
            "la correction exécute des programmes inconnus, qu'elle ne sait enfermer que sous "
            "Linux. Sous Windows, lancez-la dans WSL ; sous macOS, dans un conteneur Linux."
        )


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)  # et non à l'import : Windows ne connaît pas None


def _prctl(option: int, *arguments: int) -> bool:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    return _libc().prctl(option, *padded) == 0


def enter(folder: Path, limits: Limits, *, readable: tuple[str, ...] = ()) -> list[str]:
    """Enferme le processus courant, pour toujours.

    À appeler dans un processus à un seul fil, qui vient de naître d'un `fork`.

    Args:
        folder: seul dossier où il pourra écrire.
        limits: ressources.
        readable: dossiers qu'il pourra lire, en plus de `READABLE` et de ceux de Python.

    Returns:
        Ce qui est en vigueur, en français, pour l'en-tête du rapport.
    """
    os.setsid()
    _prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG : mourir avec le parent
    found = ["mémoire, temps et fichiers limités"]
    _set_limits(limits)
    if os.geteuid() == 0:
        found.append(_drop_root(folder))
    _prctl(38, 1)  # PR_SET_NO_NEW_PRIVS, que Landlock et seccomp demandent
    version = _restrict_files(folder, [*READABLE, *python_folders(), *readable])
    found.append(
        "fichiers : un seul dossier (Landlock)"
        if version
        else "fichiers non protégés (pas de Landlock)"
    )
    found.append(
        "ni processus, ni réseau, ni signal aux autres, ni droits de fichiers (seccomp)"
        if _filter_system_calls()
        else "processus et réseau non filtrés (pas de seccomp)"
    )
    return found


def python_folders() -> list[str]:
    """Rend les dossiers de Python et de ses paquets, liens suivis."""
    import sysconfig

    names = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *sys.path]
    return sorted({os.path.realpath(name) for name in names if name and os.path.isdir(name)})


# --- Ressources ----------------------------------------------------------------------


def _set_limits(limits: Limits) -> None:
    import resource

    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    for kind, value in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, used + limits.memory_mb * 2**20),
        (resource.RLIMIT_FSIZE, limits.file_mb * 2**20),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # un fichier trop gros : une exception


# --- Privilèges ----------------------------------------------------------------------


def _drop_root(folder: Path) -> str:
    """Devient `nobody` si Python y reste lisible ; sinon, root sans aucun de ses pouvoirs."""
    if _readable_by_nobody(folder):
        for each in (folder, *folder.rglob("*")):
            os.chown(each, NOBODY, NOBODY, follow_symlinks=False)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        _prctl(1, signal.SIGKILL)  # changer d'utilisateur efface ce réglage
        return "utilisateur nobody"
    for capability in range(64):
        _prctl(24, capability)  # PR_CAPBSET_DROP
    # capset : version 3, ce processus, puis trois ensembles vides de deux mots.
    dropped = _libc().capset(struct.pack("Ii", 0x20080522, 0), bytes(24)) == 0
    return "root sans ses pouvoirs" if dropped else "root, pouvoirs gardés"


def _readable_by_nobody(folder: Path) -> bool:
    """Dit si `nobody` peut entrer dans les dossiers de Python et jusqu'à `folder`."""
    needed = [*python_folders(), str(folder.parent)]
    parents = {each for name in needed for each in (Path(name), *Path(name).parents)}
    return all(each.stat().st_mode & 0o001 for each in parents)


# --- Fichiers : Landlock ------------------------------------------------------------


def _restrict_files(folder: Path, readable: list[str]) -> int:
    """Ne laisse écrire que dans `folder` ; rend la version de Landlock, 0 s'il n'y en a pas."""
    create, add, restrict = 444, 445, 446  # les mêmes numéros sur toutes les architectures
    version = _libc().syscall(create, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return 0
    # Bits d'accès : 0 exécuter, 1 écrire, 2 lire, 3 lister, 4 à 12 créer et effacer,
    # 13 déplacer (version 2), 14 tronquer (version 3), 15 ioctl (version 5).
    files = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
    network = 0b11 if version >= 4 else 0  # bind et connect en TCP
    scoped = 0b11 if version >= 6 else 0  # sockets abstraites, signaux
    attributes = struct.pack("QQQ", files, network, scoped)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _libc().syscall(create, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return 0
    on_files = files & 0b1100000000000111  # ce qui a un sens sur un fichier
    reading = dict.fromkeys(readable, 0b1101)
    for name, access in {**reading, str(folder): files, "/dev/null": 0b110}.items():
        try:
            descriptor = os.open(name, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        access &= files if os.path.isdir(name) else on_files
        _libc().syscall(add, ruleset, 1, struct.pack("=Qi", access, descriptor), 0)
        os.close(descriptor)
    done = _libc().syscall(restrict, ruleset, 0) == 0
    os.close(ruleset)
    return version if done else 0


# --- Appels système : seccomp -------------------------------------------------------

# (architecture d'audit, numéros) ; ce qui manque à une architecture n'y existe pas.
_REFUSED = {
    "x86_64": (
        0xC000003E,
        {
            "fork": 57,
            "vfork": 58,
            "execve": 59,
            "execveat": 322,
            "ptrace": 101,
            "socket": 41,
            "tkill": 200,
            "rt_sigqueueinfo": 129,
            "rt_tgsigqueueinfo": 297,
            "shmget": 29,
            "semget": 64,
            "msgget": 68,
            "mq_open": 240,
            "mount": 165,
            "umount2": 166,
            "chroot": 161,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "memfd_create": 319,
            "bpf": 321,
            "perf_event_open": 298,
            "userfaultfd": 323,
            "keyctl": 250,
            "add_key": 248,
            "request_key": 249,
            "setpriority": 141,
            "ioprio_set": 251,
            "unshare": 272,
            "setns": 308,
            # ce que Landlock ne voit pas : droits, propriétaire, dates, attributs d'un fichier
            "chmod": 90,
            "fchmod": 91,
            "fchmodat": 268,
            "chown": 92,
            "fchown": 93,
            "lchown": 94,
            "fchownat": 260,
            "utime": 132,
            "utimes": 235,
            "futimesat": 261,
            "utimensat": 280,
            "setxattr": 188,
            "lsetxattr": 189,
            "fsetxattr": 190,
            "removexattr": 197,
            "lremovexattr": 198,
            "fremovexattr": 199,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "execve": 221,
            "execveat": 281,
            "ptrace": 117,
            "socket": 198,
            "tkill": 130,
            "rt_sigqueueinfo": 138,
            "rt_tgsigqueueinfo": 240,
            "shmget": 194,
            "semget": 190,
            "msgget": 186,
            "mq_open": 180,
            "mount": 40,
            "umount2": 39,
            "chroot": 51,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "memfd_create": 279,
            "bpf": 280,
            "perf_event_open": 241,
            "userfaultfd": 282,
            "keyctl": 219,
            "add_key": 217,
            "request_key": 218,
            "setpriority": 140,
            "ioprio_set": 30,
            "unshare": 97,
            "setns": 268,
            # ce que Landlock ne voit pas : droits, propriétaire, dates, attributs d'un fichier
            "fchmod": 52,
            "fchmodat": 53,
            "fchownat": 54,
            "fchown": 55,
            "utimensat": 88,
            "setxattr": 5,
            "lsetxattr": 6,
            "fsetxattr": 7,
            "removexattr": 14,
            "lremovexattr": 15,
            "fremovexattr": 16,
        },
    ),
}
_REFUSED_EVERYWHERE = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "pidfd_open": 434,
    "pidfd_getfd": 438,
    "memfd_secret": 447,
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
    "file_setattr": 469,
}
_CLONE = {"x86_64": 56, "aarch64": 220}
_ONLY_ITSELF = {  # permis seulement sur soi : le premier argument est un processus
    "x86_64": {"kill": 62, "tgkill": 234, "prlimit64": 302},
    "aarch64": {"kill": 129, "tgkill": 131, "prlimit64": 261},
}
_CLONE3 = 435
_THREAD = 0x10000  # CLONE_THREAD
_LOAD, _EQUAL, _GREATER, _BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


def filter_program(machine: str, pid: int) -> bytes:
    """Écrit le filtre : des instructions BPF de huit octets.

    Args:
        machine: `"x86_64"` ou `"aarch64"`.
        pid: numéro du processus, le seul à qui il pourra envoyer un signal.

    Returns:
        Le programme ; vide si l'architecture est inconnue.
    """
    if machine not in _REFUSED:
        return b""
    audit, refused = _REFUSED[machine]

    def step(code, value, if_true=0, if_false=0):
        return struct.pack("HBBI", code, if_true, if_false, value)

    denied = step(_RETURN, _ERROR | errno.EPERM)
    program = [
        step(_LOAD, 4),
        step(_EQUAL, audit, 1, 0),
        step(_RETURN, _KILL),  # autre architecture
        step(_LOAD, 0),
    ]
    if machine == "x86_64":
        program += [step(_GREATER, 0x40000000, 0, 1), denied]  # les appels « x32 »
    for number in (*refused.values(), *_REFUSED_EVERYWHERE.values()):
        program += [step(_EQUAL, number, 0, 1), denied]
    program += [step(_EQUAL, _CLONE3, 0, 1), step(_RETURN, _ERROR | errno.ENOSYS)]  # → clone
    program += [
        step(_EQUAL, _CLONE[machine], 0, 4),
        step(_LOAD, 16),
        step(_BIT, _THREAD, 1, 0),
        denied,
        step(_RETURN, _ALLOW),
    ]
    for number in _ONLY_ITSELF[machine].values():
        program += [
            step(_EQUAL, number, 0, 5),
            step(_LOAD, 16),
            step(_EQUAL, pid, 2, 0),
            step(_EQUAL, 0, 1, 0),
            denied,
            step(_RETURN, _ALLOW),
        ]
    return b"".join([*program, step(_RETURN, _ALLOW)])


def _filter_system_calls() -> bool:
    program = filter_program(platform.machine(), os.getpid())
    if not program:
        return False
    buffer = ctypes.create_string_buffer(program)
    # struct sock_fprog : nombre d'instructions, puis leur adresse.
    header = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    )
    return _prctl(22, 2, ctypes.addressof(header))  # PR_SET_SECCOMP, mode filtre
