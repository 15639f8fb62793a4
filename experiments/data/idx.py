"""Reading an IDX file, the format of MNIST.

    magic   4 bytes   0, 0, the type of the elements (8: unsigned byte, 12: int32), the number of
                      dimensions
    sizes   4 bytes   each, big-endian, one a dimension
    data              the elements, big-endian, last dimension fastest

Source: http://yann.lecun.com/exdb/mnist/, "The IDX file format".
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from experiments.data.errors import DataError
from torch_ref import files

#: The types of elements that are read, and their names in a message.
TYPES = {"|u1": (0x08, "unsigned bytes"), ">i4": (0x0C, "32-bit integers")}
UNSIGNED_BYTE, INT32 = np.dtype("|u1"), np.dtype(">i4")
GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 20


class _Fault(Exception):
    """What is wrong with a file, from a reader that knows its bytes but not its name."""


def idx_header(shape: tuple[int, ...], dtype: np.dtype = UNSIGNED_BYTE) -> bytes:
    """Return the header of an IDX file: the magic number and the sizes.

    >>> idx_header((10000,)).hex(" ", 4)
    '00000801 00002710'
    """
    magic = bytes([0, 0, TYPES[dtype.str][0], len(shape)])
    return magic + b"".join(size.to_bytes(4, "big") for size in shape)


def read_idx(
    path: Path,
    shape: tuple[int, ...],
    sha256: str | None = None,
    remedy: str = "Replace it with an intact copy.",
    dtype: np.dtype = UNSIGNED_BYTE,
    member: str | None = None,
) -> NDArray:
    """Read an IDX file, gzipped or not (its first bytes tell, not its name).

    The header is compared with `shape` before memory is asked for, so a header that claims too
    much costs nothing; the file must end where the header says.

    Args:
        path: the file.
        shape: the shape it must have.
        sha256: the SHA-256 that its uncompressed bytes must have, as a hex string; None: any.
        remedy: what the user can do about a broken file; the end of every error message.
        dtype: of its elements, `UNSIGNED_BYTE` or `INT32`.
        member: the file is a ZIP archive, and this is the IDX file's name in it.

    Returns:
        An array of shape `shape` and of `dtype`, C-contiguous.

    Raises:
        DataError: the file is missing, unreadable, not an IDX file of `dtype`, of another shape,
            truncated, longer than its header says, corrupt, or has another SHA-256.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels.gz")
    ...     _ = path.write_bytes(gzip.compress(idx_header((3,)) + bytes([5, 0, 4])))
    ...     read_idx(path, shape=(3,))
    array([5, 0, 4], dtype=uint8)
    """
    try:
        with _opened(path, member) as file:
            if file.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):
                with gzip.GzipFile(fileobj=file) as stream:
                    return _read(stream, shape, dtype, sha256)
            return _read(file, shape, dtype, sha256)
    except _Fault as fault:
        problem = str(fault)
    except FileNotFoundError:
        problem = "there is no such file."
    except EOFError:
        problem = "it is truncated: the gzip stream stops before its end."
    except (gzip.BadGzipFile, zlib.error) as error:
        problem = f"its gzip stream is corrupt ({error})."
    except OSError as error:
        problem = f"it cannot be read ({error.strerror or error})."
    raise DataError(f"{path}: {problem} {remedy}")


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[BinaryIO]:
    with files.opened(path) as file:
        if member is None:
            yield file
            return
        import zipfile  # few need it

        try:
            with zipfile.ZipFile(file) as archive, archive.open(member) as inside:
                yield inside
        except (zipfile.BadZipFile, KeyError, RuntimeError) as error:
            raise _Fault(f"its archive has no readable {member} ({error}).") from error


def _read(stream: BinaryIO, shape: tuple[int, ...], dtype: np.dtype, sha256: str | None) -> NDArray:
    """Check the header, read the data behind it, check that nothing follows."""
    header = idx_header(shape, dtype)
    _check_header(stream.read(len(header)), header, shape, dtype)

    array = np.empty(shape, dtype)
    data = memoryview(array.reshape(-1).view(np.uint8))
    digest = hashlib.sha256(header)
    filled = 0
    while count := stream.readinto(data[filled : filled + CHUNK]):
        digest.update(data[filled : filled + count])
        filled += count
    if filled < len(data):
        raise _Fault(f"it is truncated: {filled} bytes of data found, {len(data)} expected.")
    if stream.read(1):
        raise _Fault(f"it is too long: bytes follow the {len(data)} that its header announces.")
    if sha256 is not None and digest.hexdigest() != sha256:
        raise _Fault(
            f"its contents are not the published ones: SHA-256 {digest.hexdigest()} found, "
            f"{sha256} expected (of the uncompressed bytes)."
        )
    return array


def _check_header(found: bytes, expected: bytes, shape: tuple[int, ...], dtype: np.dtype) -> None:
    # The magic number first: where it is another, the sizes that follow mean nothing.
    if not found:
        raise _Fault(f"it is empty; expected an IDX file of shape {shape}.")
    if found[:4] != expected[:4]:
        raise _Fault(
            f"it is not the expected IDX file: magic number 0x{found[:4].hex()} found, "
            f"0x{expected[:4].hex()} expected ({TYPES[dtype.str][1]}, dimensions: {len(shape)})."
        )
    if len(found) < len(expected):
        raise _Fault(
            f"it is truncated: {len(found)} bytes found, the header alone has {len(expected)}."
        )
    if found != expected:
        sizes = tuple(int.from_bytes(found[i : i + 4], "big") for i in range(4, len(found), 4))
        raise _Fault(f"its header announces the shape {sizes}, expected {shape}.")
