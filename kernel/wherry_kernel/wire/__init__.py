"""Jupyter's messages as data: bytes in, requests out; content in, bytes out. No I/O in here.

`packing` is JSON, `codec` is framing, headers and signatures. The other modules are the messaging
specification, one family of messages each: what a request holds, and what its answers hold.
"""
