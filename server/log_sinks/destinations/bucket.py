"""Rows as objects of a bucket: a gzipped file of JSON lines for each batch and day, under a name that the rows give it."""

import anyio.to_thread

from server.log_sinks.batch import Batch, packed
from server.log_sinks.destinations.destination import SinkFailed
from server.object_storage.bucket import Bucket, of_bytes
from server.object_storage.errors import ObjectStorageError, StorageUnavailable


class BucketDestination:
    """Keeps `Destination`. The same rows are the same object: what is sent again replaces itself, and nothing is there twice."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def send(self, batch: Batch) -> int:
        for day, rows in batch.by_day():
            body = await anyio.to_thread.run_sync(_packed_lines, rows)
            name = f"{batch.stream}/date={day}/{batch.name}.jsonl.gz"
            try:
                await self._bucket.put(name, of_bytes(body), content_type="application/gzip")
            except StorageUnavailable as error:
                raise SinkFailed(str(error), error.retry_after_s) from error
            except ObjectStorageError as error:
                raise SinkFailed(str(error)) from error
        return 0


def _packed_lines(batch: Batch) -> bytes:
    return packed(batch.as_lines())
