"""Streams: nobody is waited for, nothing is lost without a snapshot."""

import asyncio
import json
from functools import wraps
from pathlib import Path
from types import SimpleNamespace

import pytest

from mulligan.web.session import Session
from mulligan.web.streams import QUEUE, Broadcast, Client


def played(story):
    """Play a story in an event loop."""

    @wraps(story)
    def test():
        asyncio.run(story())

    return test


def read(raw):
    """Take events apart: kind, content."""
    found = []
    for block in raw.decode().strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((lines["event"], json.loads(lines["data"])))
    return found


def broadcast_of(snapshot=None):
    return Broadcast(lambda phone: {"snapshot": True} if snapshot is None else snapshot())


async def some(stream, count):
    found = []
    while len(found) < count:
        found += read(await asyncio.wait_for(anext(stream), 5.0))
    return found


@played
async def test_first_a_snapshot_then_news():
    broadcast = broadcast_of()
    stream = broadcast.stream("page")
    assert [kind for kind, _ in await some(stream, 1)] == ["snapshot"]
    broadcast.publish("notice", {"a": 1})
    broadcast.publish("samples", b'{"step":3}')
    events = await some(stream, 2)
    assert events == [("notice", {"a": 1}), ("samples", {"step": 3})]
    await stream.aclose()
    assert not broadcast.clients


@played
async def test_a_stalled_client_costs_a_bounded_queue_and_then_a_snapshot():
    snapshots = []
    broadcast = broadcast_of(lambda: snapshots.append(1) or {"n": len(snapshots)})
    stalled, brisk = broadcast.stream("stalled"), broadcast.stream("brisk")
    await some(stalled, 1)
    await some(brisk, 1)
    (slow,) = (client for client in broadcast.clients if client.name == "stalled")
    for i in range(10 * QUEUE):
        broadcast.publish("notice", i)
        assert len(slow._queue) <= QUEUE
        assert [content for _, content in await some(brisk, 1)] == [i]
    assert len(snapshots) == 2  # nobody has been given another one in the meantime
    events = await some(stalled, 1)
    assert events[0][0] == "snapshot"
    assert len(events) <= QUEUE + 1
    assert len(snapshots) == 3
    await stalled.aclose()
    await brisk.aclose()


@played
async def test_a_phone_of_a_class_hears_only_of_pile_and_round():
    broadcast, told = Broadcast(lambda phone: {"phone": phone}), []
    worker = SimpleNamespace(send=lambda kind, content: told.append(content))
    broadcast.changed = Session(Path(), {}, worker, broadcast).tell_watched
    stream = broadcast.stream("phone", phone=True)
    assert await some(stream, 1) == [("snapshot", {"phone": True})]
    page = broadcast.stream("page")
    await some(page, 1)
    assert told == [False, True]  # no samples are drawn for phones
    broadcast.publish("samples", b"1")
    broadcast.publish("round", 2)
    broadcast.restart()
    broadcast.publish("pile", 3)
    assert await some(stream, 2) == [("round", 2), ("pile", 3)]
    assert await some(page, 2) == [("snapshot", {"phone": False}), ("pile", 3)]
    await page.aclose()
    await stream.aclose()


@played
async def test_a_phone_that_connects_again_is_one_phone():
    broadcast = broadcast_of()
    lost, others = broadcast.stream("phone", phone=True), [broadcast.stream(f"page {i}") for i in range(3)]
    for stream in (lost, *others):
        await some(stream, 1)
    again = broadcast.stream("phone", phone=True)
    await some(again, 1)
    assert len(broadcast.clients) == 4
    with pytest.raises(StopAsyncIteration):
        await anext(lost)
    assert len(broadcast.clients) == 4
    for stream in (again, *others):
        await stream.aclose()


def test_only_the_newest_samples_wait():
    client = Client("page")
    for i in range(1000):
        client.put("samples", b"%d" % i)
        client.put("status", b"s%d" % i)
    client.put("notice", b"n")
    assert client.take() == [b"999", b"s999", b"n"]
    assert client.take() == []


def test_pings_when_nothing_happens(monkeypatch):
    monkeypatch.setattr("mulligan.web.streams.PING", 0.01)

    async def play():
        broadcast = broadcast_of()
        stream = broadcast.stream("page")
        assert [kind for kind, _ in await some(stream, 3)] == ["snapshot", "ping", "ping"]
        await stream.aclose()

    asyncio.run(play())


@played
async def test_streams_end_with_the_server():
    broadcast = broadcast_of()
    streams = [broadcast.stream(f"page {i}") for i in range(3)]
    for stream in streams:
        await some(stream, 1)
    broadcast.close()
    for stream in streams:
        assert [event async for event in stream] == []
    assert not broadcast.clients
