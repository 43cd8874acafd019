"""The Jupyter kernel: messages to a supervised runner, frames to messages.

Reading order: `kernel` (who answers what), `executions` (the one queue), `relay` and `messages`
(frames to outputs), `wire` (the protocol as data), `sockets`, `app`.
"""
