"""Live tails of all three tables, listened to in the background."""
import threading

import websocket


class Tail:
    def __init__(self, server):
        self._heard = []
        self._sockets = []
        for table in ("logs", "spans", "errors"):
            address = server.url.replace("http://", "ws://") + f"/api/telltale/v1/tail?table={table}"
            socket = websocket.create_connection(address, header=[f"Authorization: Bearer {server.token}"], timeout=60)
            self._sockets.append(socket)
            threading.Thread(target=self._listen, args=(socket,), daemon=True).start()

    def _listen(self, socket):
        try:
            while frame := socket.recv():
                self._heard.append(frame if isinstance(frame, bytes) else frame.encode())
        except (websocket.WebSocketException, OSError):
            pass

    def take(self) -> bytes:
        return b"".join(self._heard)

    def close(self):
        for socket in self._sockets:
            socket.close()
