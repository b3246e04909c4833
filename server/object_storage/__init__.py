"""Buckets of S3 and of what speaks as it does: objects put, read, listed and removed, over the one way out.

location  which bucket, where and how it is addressed    access   whose keys sign
exchange  one signed request, tried again where that is safe   answers  what a server says in XML
bucket    what is done with objects                       uploads  large ones, in parts
"""
