"""Creates the bucket; the environment names the server."""

import os

import boto3
from botocore.config import Config

boto3.client(
    "s3",
    endpoint_url=os.environ["ENDPOINT"],
    region_name="us-east-1",
    aws_access_key_id=os.environ["ACCESS_KEY"],
    aws_secret_access_key=os.environ["SECRET_KEY"],
    config=Config(s3={"addressing_style": "path"}),
).create_bucket(Bucket="certs")
