"""What a refusal of the operating system means, and the step that helps."""

from __future__ import annotations

import errno

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_HANDLES = frozenset({errno.EMFILE, errno.ENFILE})
_NO_PERMISSION = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

# What a file system answers that lacks an operation, rather than one that failed.
NOT_OFFERED = frozenset(
    {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOLCK}
)


def way_out(error: OSError, elsewhere: str = "choose another place") -> str:
    """The next step after an error of the operating system.

    Args:
        error: What was raised.
        elsewhere: How the user names another place.
    """
    number = error.errno
    if number in NO_ROOM:
        return f"make room for it (or raise the limit on file sizes, ulimit -f), or {elsewhere}"
    if number in _NO_HANDLES:
        return "allow more open files (ulimit -n 1024), or use --workers 0"
    if number == errno.ENOMEM:
        return "free memory, or use --workers 0 and a smaller --batch-size"
    if number in _NO_PERMISSION:
        return f"allow it, or {elsewhere}"
    if number == errno.ENAMETOOLONG:
        return "give it a shorter name"
    return elsewhere
