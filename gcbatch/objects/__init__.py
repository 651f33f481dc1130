"""Object stores: S3 and what speaks its protocol, Google Cloud Storage, Azure."""

from gcbatch.objects.bucket import ABSENT, LIST_PAGE, Bucket, ObjectInfo, RequestMeter
from gcbatch.objects.buckets import Buckets
from gcbatch.objects.path import ObjectPath, path_of
from gcbatch.objects.problems import ChangedObjectError, lake_error
from gcbatch.objects.retries import Retries
from gcbatch.objects.settings import (
    AzSettings,
    GsSettings,
    S3Settings,
    StorageSettings,
    endpoint_fault,
    shown_endpoint,
)
from gcbatch.objects.url import SCHEMES, ObjectUrl, is_object_url

__all__ = [
    "ABSENT",
    "LIST_PAGE",
    "SCHEMES",
    "AzSettings",
    "Bucket",
    "Buckets",
    "ChangedObjectError",
    "GsSettings",
    "ObjectInfo",
    "ObjectPath",
    "ObjectUrl",
    "RequestMeter",
    "Retries",
    "S3Settings",
    "StorageSettings",
    "endpoint_fault",
    "is_object_url",
    "lake_error",
    "path_of",
    "shown_endpoint",
]
