"""What the people of a test do to a telephone system by its manager interface.

Each action has a connection of its own: so nothing has to be mended when the server restarts.
"""

import asyncio
from collections.abc import Mapping

__all__ = ["PORT", "act"]

PORT = 5038
TIMEOUT_S = 10.0


def _message(fields: Mapping[str, str]) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n"


async def act(action: str, **fields: str) -> bool:
    """Have the server do *action* and tell whether it did; a dead server does nothing."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            try:
                writer.write(
                    _message(
                        {
                            "Action": "Login",
                            "Username": "driver",
                            "Secret": "driver-test",
                            "Events": "off",
                        }
                    )
                    + _message({"Action": action, "ActionID": "1", **fields})
                )
                await reader.readuntil(b"\r\n\r\n")
                answer = await reader.readuntil(b"\r\n\r\n")
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return answer.startswith(b"Response: Success")
