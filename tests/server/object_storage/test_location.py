"""Which bucket is meant: read strictly, and addressed as AWS's own clients address it."""

import botocore.session
import pytest
from botocore.config import Config

from server.object_storage.errors import LocationInvalid
from server.object_storage.location import read_location

AT_HOME = {"AWS_REGION": "eu-central-1"}


@pytest.mark.parametrize(
    ("text", "environ", "url"),
    [
        ("s3://one", AT_HOME, "https://one.s3.eu-central-1.amazonaws.com/k%20%2B"),
        ("s3://one/a/b/", {"AWS_DEFAULT_REGION": "us-west-2"}, "https://one.s3.us-west-2.amazonaws.com/k%20%2B"),
        ("s3://with.dots", AT_HOME, "https://s3.eu-central-1.amazonaws.com/with.dots/k%20%2B"),
        ("s3://one?region=cn-north-1", AT_HOME, "https://one.s3.cn-north-1.amazonaws.com.cn/k%20%2B"),
        ("s3://one?style=path", AT_HOME, "https://s3.eu-central-1.amazonaws.com/one/k%20%2B"),
        ("s3://one", {"AWS_ENDPOINT_URL": "https://minio.example:9000"}, "https://minio.example:9000/one/k%20%2B"),
        ("s3://one?endpoint=https://a.example/&style=virtual", AT_HOME, "https://one.a.example/k%20%2B"),
        (
            "s3://one",
            {"AWS_ENDPOINT_URL": "https://b.example", "AWS_ENDPOINT_URL_S3": "https://a.example"},
            "https://a.example/one/k%20%2B",
        ),
    ],
)
def test_a_bucket_is_addressed_as_its_url_and_awss_variables_say(text: str, environ: dict[str, str], url: str) -> None:
    assert read_location(text, environ).url("k +") == url


def test_awss_own_client_calls_the_same_addresses() -> None:
    """botocore is the oracle."""
    session = botocore.session.get_session()
    for region in ("eu-central-1", "cn-north-1"):
        for style in ("path", "virtual"):
            settings = Config(s3={"addressing_style": style})
            client = session.create_client("s3", region_name=region, aws_access_key_id="a", aws_secret_access_key="b", config=settings)
            signed = client.generate_presigned_url("get_object", Params={"Bucket": "one", "Key": "a b/ü"})
            assert read_location(f"s3://one?region={region}&style={style}", {}).url("a b/ü") == signed.partition("?")[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://", "is no bucket"),
        ("s3://UPPER/x", "is no bucket"),
        ("s3://a..b", "is no bucket"),
        ("s3://user@one", "is no bucket"),
        ("s3://one#x", "is no bucket"),
        ("s3://one/../other", "no path"),
        ("s3://one/a//b", "no path"),
        (f"s3://one/{'x' * 600}", "at most 512 bytes"),
        ("s3://one?secret=x", "'secret' behind it; endpoint, keys, region, style may stand there"),
        ("s3://one?style=odd", "neither path nor virtual"),
        ("s3://one?region=EU/../", "region of bucket one is unknown"),
        ("s3://one?endpoint=ftp://x", "no https://host:port"),
        ("s3://one?endpoint=https://user:pass@x", "no https://host:port"),
        ("s3://one?endpoint=https://x/path", "no https://host:port"),
    ],
)
def test_what_names_no_bucket_is_refused_with_the_rule(text: str, said: str) -> None:
    with pytest.raises(LocationInvalid, match=said) as refused:
        read_location(text, AT_HOME)
    assert "pass@" not in str(refused.value)


def test_without_a_region_it_says_where_to_write_one() -> None:
    with pytest.raises(LocationInvalid, match=r"set AWS_REGION, or write \?region="):
        read_location("s3://one", {})
