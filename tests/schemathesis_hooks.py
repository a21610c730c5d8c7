"""What schemathesis does not know by itself."""

import schemathesis

# The bytes of an upload by the tus protocol.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@schemathesis.hook
def filter_case(context, case):
    """A header that nobody knows is ignored in HTTP (RFC 9110, section 5.1), so sending one breaks no contract."""
    return not any("schemathesis-unknown" in name for name in case.headers or {})
