"""Why something could not be done with a bucket; each names the bucket, the rule and the way out.

ObjectStorageError
├── LocationInvalid      the text names no bucket
├── KeysMissing          nobody said whose keys sign
├── StorageRefused       the server said no, and would say it again
├── ObjectMissing        there is no object of that name
├── ObjectExists         there is one already, and it was not to be replaced
├── ObjectChanged        another one took its place while it was read
└── StorageUnavailable   no answer, or "later": the same may work then
"""


class ObjectStorageError(Exception):
    pass


class LocationInvalid(ObjectStorageError):
    pass


class KeysMissing(ObjectStorageError):
    pass


class StorageRefused(ObjectStorageError):
    """`code` is the server's, e.g. AccessDenied."""

    def __init__(self, message: str, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class ObjectMissing(StorageRefused):
    pass


class ObjectExists(StorageRefused):
    """`may_be_own`: an earlier try of the same request had no answer, and may have put it there."""

    def __init__(self, message: str, code: str = "", status: int = 0, *, may_be_own: bool = False) -> None:
        super().__init__(message, code, status)
        self.may_be_own = may_be_own


class ObjectChanged(StorageRefused):
    pass


class StorageUnavailable(ObjectStorageError):
    """`retry_after_s`: what the server asked for, if it did."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
