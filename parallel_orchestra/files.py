"""Files on a disk, written so that a crash at any moment leaves the old state or the new one.

Knows nothing of tasks. `rename` replaces silently (rename(2)), so what must not be replaced
goes through `create`, which links (link(2) refuses an existing name).
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

#: File systems whose attributes may be old for up to a minute (nfs(5), mount.cifs(8)).
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "lustre", "afs", "beegfs"}
)

#: The most that is read of one file, in bytes: far more than a journal of 100,000 tasks has.
_LARGEST = 1 << 30


def write_synced(path: Path, data: bytes) -> None:
    """Writes a file of mode 0600 and waits until its content is on the disk.

    Raises:
        OSError: the disk is full, or the directory is missing or read-only.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with _named(path):
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, data: bytes) -> None:
    """Writes a file of mode 0600 without waiting for the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb", buffering=0) as stream, _named(path):
        view = memoryview(data)
        while view:
            view = view[stream.write(view) :]


@contextlib.contextmanager
def _named(path: str | Path) -> Iterator[None]:
    """Lets an error say which file it is about: write(2) and fsync(2) know a number only."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def make_directory(path: Path) -> None:
    """Makes a directory of mode 0700 and the one above it; what exists stays.

    Raises:
        OSError: the disk is full, or what lies above is missing.
    """
    for one in (path.parent, path):
        with contextlib.suppress(FileExistsError):
            os.mkdir(one, 0o700)


def create(target: Path, data: bytes, *, via: Path, synced: bool = True) -> bool:
    """Makes a file appear complete under its name, or returns False if the name is taken.

    The content is written under `via` (same file system) first, and synced unless it can be
    made again. The directory of `target` is not synced; see `sync_directory`.

    Raises:
        OSError: the disk is full, or a directory is missing or read-only.
    """
    (write_synced if synced else write)(via, data)
    try:
        os.link(via, target)
    except FileExistsError:
        return False
    except OSError:
        # link(2) on NFS may report failure for a link that was made: two names tell.
        if via.stat().st_nlink != 2:
            raise
    finally:
        via.unlink(missing_ok=True)
    return True


def appear(target: Path, contents: Iterable[tuple[str, bytes]], *, via: Path) -> int | None:
    """Fills an empty directory with files (name, content) all at once and returns how many.

    They are written to a directory `via`, which then takes the place of `target`: rename(2)
    replaces an empty directory only. Returns None, and changes nothing, if it is not empty.

    Raises:
        OSError: the disk is full or read-only; nothing was changed.
    """
    count = 0
    try:
        os.mkdir(via, 0o700)
        for name, data in contents:
            write(via / name, data)
            count += 1
        sync_directory(via)
        os.rename(via, target)
    except OSError as error:
        import shutil  # noqa: PLC0415  # 5 ms with bz2 and lzma

        # Nobody has seen these files, and a full disk needs the room.
        shutil.rmtree(via, ignore_errors=True)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EXDEV):
            return None
        raise
    return count


def replace(path: Path, data: bytes, *, via: Path) -> None:
    """Puts new content under a name at once: readers see the old file or the new one."""
    write_synced(via, data)
    os.replace(via, path)


def sync_directory(path: str | Path) -> None:
    """Waits until the names in a directory are on the disk (fsync(2) of a file is not enough)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with _named(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def names(directory: str | Path) -> list[str]:
    """Returns the names in a directory, without order; none if it does not exist."""
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def read_text(path: str | Path) -> str | None:
    """Returns a file's text (UTF-8, strange bytes replaced), or None if it can't be read."""
    with (
        contextlib.suppress(OSError),
        open(path, encoding="utf-8", errors="replace", opener=_at_once) as stream,
    ):
        return stream.read()
    return None


def read_bytes(path: str | Path) -> bytes | None:
    """Returns a file's content, or None if it can't be read."""
    with contextlib.suppress(OSError):
        return content(path)
    return None


def content(path: str | Path) -> bytes:
    """Returns a file's content.

    Raises:
        OSError: it is missing, a device, larger than memory may be, or can't be read.
    """
    with open(path, "rb", opener=_at_once) as stream:
        return stream.read()


def open_to_lock(path: Path) -> IO[bytes]:
    """Opens a file that is there to be locked, of mode 0600; it is made if it is missing.

    Raises:
        OSError: something else lies there (a link, a pipe, a device), or it can't be made.
    """
    kept = os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | kept, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    return open(descriptor, "ab")


def _at_once(path: str, flags: int) -> int:
    # A pipe that lies in the file's place is empty, instead of holding us up.
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    facts = os.fstat(descriptor)
    if stat.S_ISCHR(facts.st_mode) or facts.st_size > _LARGEST:
        # A device may have no end, and a sparse file more bytes than the machine has memory.
        os.close(descriptor)
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    return descriptor


def append(path: Path, data: bytes) -> None:
    """Appends bytes to a file of mode 0600 by one write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        with _named(path):
            os.write(descriptor, data)
    finally:
        os.close(descriptor)


def on_network(path: Path) -> bool:
    """Returns whether a path lies on a network file system, as far as the system tells."""
    return is_network(file_system(path))


def is_network(kind: str) -> bool:
    """Returns whether a kind of file system is one of the network."""
    return kind in NETWORK_FILE_SYSTEMS or kind == "fuse.sshfs"


def file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Returns the kind of file system that a path lies on; "" if the system does not tell."""
    best, kind = "", ""
    real = str(path.resolve())
    for line in (read_text(mounts) or "").splitlines():
        fields = line.split(" ")
        mount = fields[1].replace("\\040", " ")
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, fields[2]
    return kind


def regain(path: Path) -> None:
    """Gives us back the right to read and remove everything below `path`; follows no links.

    Package caches are read-only directories, and a program may close a file to its own owner.
    """
    if path.is_symlink():
        return
    for directory, _, inside in os.walk(path, topdown=True):
        _grant(directory, stat.S_IRWXU)
        for name in inside:
            _grant(os.path.join(directory, name), stat.S_IRUSR)


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files below a directory; links are not followed.

    What is removed meanwhile has none.
    """
    total = 0
    if not path.is_dir() or path.is_symlink():
        with contextlib.suppress(FileNotFoundError):
            total = path.lstat().st_size
        return total
    for folder, _, inside in os.walk(path):
        for name in inside:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total


def _grant(path: str, rights: int) -> None:
    with contextlib.suppress(OSError):
        mode = os.lstat(path).st_mode
        if not stat.S_ISLNK(mode) and mode & rights != rights:
            os.chmod(path, stat.S_IMODE(mode) | rights)
