"""moto's S3 with its judgement of signatures on, which is botocore's, and one of what was signed; serves until it is ended.

It prints its port and the one key that may do everything.
"""

import hashlib
import io
import sys
from collections.abc import Callable, Iterable
from typing import Any

from moto import settings
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ACCOUNT = "123456789012"
ALLOWED = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'


class ChecksBodies:
    """In front of another application: S3 refuses a body that is not the one that was signed, and moto does not look."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        signed = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "")
        # AWS's own clients may send their bodies in signed chunks; ours never does.
        if not signed.startswith(("STREAMING-", "UNSIGNED-")) and signed != hashlib.sha256(body).hexdigest():
            start("400 Bad Request", [("Content-Type", "application/xml")])
            return [b"<Error><Code>XAmzContentSHA256Mismatch</Code><Message>the body is not what was signed</Message></Error>"]
        environ["wsgi.input"] = io.BytesIO(body)
        return self._app(environ, start)


class Http11(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"


def main() -> None:
    iam = iam_backends[ACCOUNT]["aws"]
    iam.create_user("us-east-1", "gateway")
    iam.put_user_policy("gateway", "all", ALLOWED)
    key = iam.create_access_key("gateway")
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    app = ChecksBodies(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Http11)
    sys.stdout.write(f"{server.port} {key.access_key_id} {key.secret_access_key}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
