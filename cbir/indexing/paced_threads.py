"""Describe images on threads, as many at a time and so far ahead as images and disk ask for.

Small images by a quick descriptor take less than it takes to hand them over, so a task has many;
one of a slow descriptor has one, so that no thread waits for another's last task. Where the disk
is slow, as over a network, other threads read ahead, so that the cores have work meanwhile.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from queue import SimpleQueue

from cbir.images.discovery import ImageFile
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.image_describer import ImageDescriber, Outcome, Outcomes

_TASK, _LARGEST_TASK = 0.01, 64
"""Seconds that a task should take, and images that it has at most."""

_AHEAD, _AHEAD_BYTES, _FEATURE_BYTES = 2048, 32 << 20, 1 << 16
"""Images, and bytes of their rows and local features, that may be done before their turn: one that
takes a second does not stop the other threads."""

_SLOW_READ = 0.001
"""Seconds of reading a file, on average, from which on others read ahead."""

_READERS, _READ_BYTES = 32, 32 << 20
"""Threads that only read, and bytes that may be read ahead."""

_KEPT = 0.9
"""Of what an average was before, with each image."""

Work = tuple[ImageFile, EncodedImage | None]
"""A file, and perhaps what was read of it."""


@dataclass(slots=True)
class _Averages:
    """What images took lately: seconds to read, seconds in all, and bytes.

    Threads that change them at once may lose a value: they only say how to go on.
    """

    reading: float = 0.0
    everything: float = 0.0
    size: float = 0.0

    def add_reading(self, seconds: float, size: int) -> None:
        self.reading += (1 - _KEPT) * (seconds - self.reading)
        self.size += (1 - _KEPT) * (size - self.size)

    def add(self, seconds: float) -> None:
        self.everything += (1 - _KEPT) * (seconds - self.everything)

    @property
    def reading_is_slow(self) -> bool:
        return self.reading > _SLOW_READ

    @property
    def of_task(self) -> int:
        """How many images a task should have."""
        return max(1, min(_LARGEST_TASK, int(_TASK / self.everything))) if self.everything else 1


@dataclass(frozen=True, slots=True)
class PacedThreads:
    """Yields what becomes of each image, in order, whatever the threads do.

    Attributes
    ----------
    workers : int
        Threads that describe.
    """

    workers: int

    def __call__(self, describer: ImageDescriber, files: Iterable[ImageFile]) -> Outcomes:
        """Describe `files`; when the consumer stops, what has not begun is dropped."""
        averages = _Averages()
        tasks: deque[tuple[int, Future[list[Outcome]]]] = deque()
        finished: SimpleQueue[int] = SimpleQueue()
        waiting, done = 0, 0
        few, most = 2 * self.workers, _most_ahead(describer)
        with (
            ThreadPoolExecutor(_READERS, thread_name_prefix="cbir-read") as readers,
            ThreadPoolExecutor(self.workers, thread_name_prefix="cbir") as pool,
        ):
            source = _ReadAhead(describer, files, averages, readers)
            try:
                while some := source.take(averages.of_task):
                    count = len(some)
                    task = pool.submit(_outcomes, describer, some, averages)
                    task.add_done_callback(partial(_put, finished, count))
                    tasks.append((count, task))
                    waiting += count
                    # Few at first, until it is known how long they take.
                    while waiting > few + min(done, most, source.most):
                        done += finished.get()
                        while tasks and tasks[0][1].done():
                            count, task = tasks.popleft()
                            waiting -= count
                            yield from task.result()
                while tasks:
                    yield from tasks.popleft()[1].result()
            finally:
                source.cancel()
                for _, task in tasks:
                    task.cancel()


def _put(finished: SimpleQueue[int], count: int, _: object) -> None:
    finished.put(count)


class _ReadAhead:
    """The files, and what is read of them where reading is slow."""

    def __init__(
        self,
        describer: ImageDescriber,
        files: Iterable[ImageFile],
        averages: _Averages,
        readers: ThreadPoolExecutor,
    ) -> None:
        self._describer, self._files = describer, iter(files)
        self._averages, self._readers = averages, readers
        self._reading: deque[tuple[ImageFile, Future[EncodedImage | None]]] = deque()

    @property
    def most(self) -> int:
        """How many images may wait that were read."""
        if not self._averages.reading_is_slow:
            return _AHEAD
        return int(_READ_BYTES / max(1.0, self._averages.size))

    def take(self, count: int) -> list[Work]:
        """Return the next files, as many as told or fewer; none at the end."""
        if self._averages.reading_is_slow:
            room = min(2 * _READERS, max(1, self.most)) - len(self._reading)
            for file in islice(self._files, max(0, room)):
                self._reading.append((file, self._readers.submit(self._read, file)))
        if not self._reading:
            return [(file, None) for file in islice(self._files, count)]
        some = [self._reading.popleft() for _ in range(min(count, len(self._reading)))]
        return [(file, image.result()) for file, image in some]

    def cancel(self) -> None:
        """Drop what has not been begun."""
        for _, image in self._reading:
            image.cancel()

    def _read(self, file: ImageFile) -> EncodedImage | None:
        start = time.perf_counter()
        image = self._describer.read(file)
        self._averages.add_reading(time.perf_counter() - start, file.size)
        return image


def _outcomes(describer: ImageDescriber, some: list[Work], averages: _Averages) -> list[Outcome]:
    outcomes = []
    for file, image in some:
        start = time.perf_counter()
        if image is None:
            image = describer.read(file)
            averages.add_reading(time.perf_counter() - start, file.size)
        outcomes.append(describer(file, image))
        averages.add(time.perf_counter() - start)
    return outcomes


def _most_ahead(describer: ImageDescriber) -> int:
    """Return how many images may be done before their turn."""
    size = _FEATURE_BYTES * len(describer.features) + sum(
        one.descriptor.width * one.descriptor.dtype.itemsize for one in describer.named
    )
    return min(_AHEAD, _AHEAD_BYTES // max(1, size))
