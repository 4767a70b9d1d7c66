from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from cbir.core.locks import locked_file
from cbir.descriptors.encoders.sparse_code import CountKernel, SparseCode, WordKernel
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.inverted_source import InvertedSource
from tests.search.inverted.helpers import IDF, KERNELS, code, key

KERNEL = KERNELS["asmk"]
NUMBERS = {key(number): number for number in range(400)}
RUN = 2_000


def encode(one: bytes) -> SparseCode:
    return code(KERNEL, NUMBERS[one])


def never(one: bytes) -> SparseCode:
    raise AssertionError(f"{NUMBERS.get(one)} was there")


def opened(*folders: Path, kernel: WordKernel = KERNEL, fingerprint: str = "test") -> InvertedFile:
    return InvertedFile(folders, kernel, fingerprint, RUN)


def updated(folder: Path, numbers: Iterable[int]) -> InvertedFile:
    inverted = opened(folder)
    inverted.update([key(number) for number in numbers], encode, workers=1)
    return inverted


def answers(inverted: InvertedFile, numbers: Iterable[int]) -> list[float]:
    keys = [key(number) for number in numbers]
    return InvertedSource(inverted, KERNEL, keys).estimate(code(KERNEL, 1000)).tolist()


def clean(numbers: Iterable[int]) -> list[float]:
    """Return what is answered from memory."""
    numbers = list(numbers)
    inverted = opened()
    inverted.update([key(number) for number in numbers], encode)
    return answers(inverted, numbers)


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


def test_what_is_written_is_there_without_encoding_again(tmp_path: Path) -> None:
    updated(tmp_path, range(30))
    again = opened(tmp_path)
    again.update([key(number) for number in range(30)], never)
    assert answers(again, range(30)) == clean(range(30))
    assert again.damage == [] == again.inspect()


def test_only_what_is_missing_is_encoded(tmp_path: Path) -> None:
    updated(tmp_path, range(30))
    inverted, asked = opened(tmp_path), []

    def encode_new(one: bytes) -> SparseCode:
        asked.append(NUMBERS[one])
        return encode(one)

    wanted = [key(number) for number in (2, 31, 30, 31, 2)]
    inverted.update(wanted, encode_new, workers=1)
    assert asked == [31, 30]
    assert answers(inverted, [2, 31, 30]) == clean([2, 31, 30])


def test_an_image_without_a_code_is_asked_for_again(tmp_path: Path) -> None:
    inverted = opened(tmp_path)
    inverted.update([key(1), key(2)], lambda one: None if one == key(1) else encode(one))
    assert answers(inverted, [1, 2])[0] == 1 and len(inverted) == 1
    inverted.update([key(1), key(2)], encode)
    assert answers(inverted, [1, 2]) == clean([1, 2])


def test_segments_stay_few_and_answers_the_same_while_images_come_and_go(tmp_path: Path) -> None:
    rng, wanted = np.random.default_rng(0), set(range(20))
    for _ in range(40):
        wanted |= set(rng.integers(0, 400, 8).tolist())
        wanted -= set(rng.choice(sorted(wanted), 4).tolist())
        inverted = updated(tmp_path, sorted(wanted))
        assert len(segments(tmp_path)) == len(inverted.segments) <= 9
        assert len(inverted) <= len(wanted) / 0.75
    assert answers(inverted, sorted(wanted)) == clean(sorted(wanted))
    assert opened(tmp_path).inspect() == []


def test_images_that_nobody_wants_leave_when_they_are_many(tmp_path: Path) -> None:
    updated(tmp_path, range(100))
    assert len(updated(tmp_path, range(80))) == 100
    inverted = updated(tmp_path, range(10))
    assert len(inverted) <= 13 and answers(inverted, range(10)) == clean(range(10))
    assert len(updated(tmp_path, [])) == 0 and segments(tmp_path) == []


def test_the_same_images_give_the_same_bytes_on_any_number_of_threads(tmp_path: Path) -> None:
    keys = [key(number) for number in range(60)]
    for workers in (1, 3):
        opened(tmp_path / str(workers)).update(keys, encode, workers)
    one, other = (segments(tmp_path / str(workers)) for workers in (1, 3))
    assert [path.name for path in one] == [path.name for path in other]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_codes_of_another_origin_are_made_again(tmp_path: Path) -> None:
    updated(tmp_path, range(10))
    for inverted in (
        opened(tmp_path, fingerprint="other"),
        opened(tmp_path, kernel=KERNELS["short signatures"]),
    ):
        assert len(inverted) == 0 and "other codes" in inverted.damage[0]
    inverted = opened(tmp_path, fingerprint="other")
    inverted.update([key(1)], encode)
    assert len(opened(tmp_path, fingerprint="other")) == 1 == len(segments(tmp_path))


def test_other_weights_of_words_make_other_norms(tmp_path: Path) -> None:
    one, other = (opened(kernel=CountKernel(idf)) for idf in (IDF, IDF * 2))
    assert one.codes.digest != other.codes.digest


@pytest.mark.parametrize("place", [0.0, 0.02, 0.2, 0.5, 0.999])
def test_a_bit_that_flipped_anywhere_is_noticed_and_mended(tmp_path: Path, place: float) -> None:
    updated(tmp_path, range(30))
    path = segments(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 4
    path.write_bytes(data)
    if not _is_padding(path, int(place * len(data))):
        inverted = opened(tmp_path)
        assert len(inverted) < 30 and path.name in inverted.damage[0]
    inverted = updated(tmp_path, range(30))
    assert answers(inverted, range(30)) == clean(range(30))
    assert opened(tmp_path).damage == []


def _is_padding(path: Path, place: int) -> bool:
    """Say whether a byte is between two sections: it means nothing."""
    sound = updated(path.parent.parent / "sound", range(30)).segments[0]
    raw = sound.raw.copy()
    raw[place] ^= 1
    try:
        return type(sound)(raw, opened().codes).check()
    except ValueError:
        return False


@pytest.mark.parametrize("size", [0, 5, 128, 4000, -1])
def test_a_file_that_is_cut_off_is_noticed_and_mended(tmp_path: Path, size: int) -> None:
    updated(tmp_path, range(30))
    path = segments(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:size])
    assert len(opened(tmp_path)) < 30
    inverted = updated(tmp_path, range(30))
    assert answers(inverted, range(30)) == clean(range(30))
    assert opened(tmp_path).damage == []


@pytest.mark.parametrize("text", [b"", b"{}", b"[1", b'{"segments": [7], "checksum": 1}', None])
def test_without_a_manifest_everything_is_made_again(tmp_path: Path, text: bytes | None) -> None:
    updated(tmp_path, range(30))
    manifest = tmp_path / "segments.json"
    if text is None:
        manifest.unlink()
    else:
        manifest.write_bytes(text)
    assert len(opened(tmp_path)) == 0 and bool(opened(tmp_path).damage) == (text is not None)
    assert answers(updated(tmp_path, range(30)), range(30)) == clean(range(30))
    assert len(segments(tmp_path)) == len(opened(tmp_path).segments)


def test_a_missing_segment_is_made_again(tmp_path: Path) -> None:
    updated(tmp_path, range(30))
    segments(tmp_path)[0].unlink()
    assert len(opened(tmp_path)) < 30
    assert answers(updated(tmp_path, range(30)), range(30)) == clean(range(30))


def test_a_segment_that_is_damaged_while_it_is_open_is_found_by_an_inspection(
    tmp_path: Path,
) -> None:
    inverted = updated(tmp_path, range(30))
    path = segments(tmp_path)[0]
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(bytes(99))
    assert path.name in inverted.inspect()[0]
    inverted.update([key(number) for number in range(30)], encode)
    assert answers(inverted, range(30)) == clean(range(30))


@pytest.mark.parametrize("numbers", [range(10), range(20)])
def test_what_a_killed_updater_left_is_cleared_by_the_next_one(
    tmp_path: Path, numbers: range
) -> None:
    updated(tmp_path, range(10))
    left = ["merged.123.new", "0123456789abcdef.segment", "segments.json.1.new"]
    for name in left:
        (tmp_path / name).write_bytes(b"left")
    updated(tmp_path, numbers)
    assert not [name for name in left if (tmp_path / name).exists()]


def test_where_nothing_can_be_written_codes_are_held_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    inverted = opened(file / "below")
    inverted.update([key(number) for number in range(30)], encode)
    assert answers(inverted, range(30)) == clean(range(30))
    inverted.update([key(number) for number in range(30)], never)


def test_the_next_folder_is_taken_where_the_first_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folders = tmp_path / "file" / "below", tmp_path / "cache"
    opened(*folders).update([key(1)], encode)
    opened(*folders).update([key(1)], never)
    assert len(segments(tmp_path / "cache")) == 1


def test_what_was_held_in_memory_is_written_when_that_is_possible(tmp_path: Path) -> None:
    folder, inverted = tmp_path / "later", opened(tmp_path / "later")
    folder.touch()
    inverted.update([key(1)], encode)
    folder.unlink()
    inverted.update([key(1), key(2)], lambda one: never(one) if one == key(1) else encode(one))
    assert len(opened(folder)) == 2 == len(inverted)


def test_who_does_not_wait_for_another_updater_holds_the_rest_in_memory(tmp_path: Path) -> None:
    updated(tmp_path, range(5))
    inverted = opened(tmp_path)
    with locked_file(str(tmp_path / "lock"), wait=False):
        inverted.update([key(number) for number in range(9)], encode, wait=False)
    assert answers(inverted, range(9)) == clean(range(9))
    assert len(opened(tmp_path)) == 5


def test_who_lacks_nothing_does_not_wait(tmp_path: Path) -> None:
    inverted = updated(tmp_path, range(30))
    with locked_file(str(tmp_path / "lock"), wait=False):
        inverted.update([key(number) for number in range(3)], never)
    assert len(inverted) == 30
    inverted.update([key(number) for number in range(3)], never)
    assert len(inverted) < 5


def test_damage_that_cannot_be_mended_is_told_once(tmp_path: Path) -> None:
    updated(tmp_path, range(30))
    segments(tmp_path)[0].write_bytes(b"damaged")
    inverted = opened(tmp_path)
    with locked_file(str(tmp_path / "lock"), wait=False):
        for _ in range(3):
            inverted.update([key(number) for number in range(30)], encode, wait=False)
    assert len(inverted.damage) == 1 == len(inverted.inspect())
    assert answers(inverted, range(30)) == clean(range(30))


def test_who_waits_takes_what_the_updater_before_has_made(tmp_path: Path) -> None:
    inverted, keys = opened(tmp_path), [key(1)]
    waiting = threading.Thread(target=inverted.update, args=(keys, never))
    with locked_file(str(tmp_path / "lock"), wait=False):
        waiting.start()
        other = opened()
        other.update(keys, encode)
        other._write_memory(folder := inverted._folders[0])
        assert len(folder.segments) == 1
    waiting.join()
    assert len(inverted) == 1


def test_a_reader_keeps_what_it_has_opened(tmp_path: Path) -> None:
    reader = updated(tmp_path, range(30))
    source = InvertedSource(reader, KERNEL, [key(number) for number in range(30)])
    updated(tmp_path, range(100, 110))
    assert not [path for path in segments(tmp_path) if path.name == reader.segments[0].name]
    assert source.estimate(code(KERNEL, 1000)).tolist() == clean(range(30))


def test_an_error_of_an_encoder_keeps_what_was_finished(tmp_path: Path) -> None:
    def encode_most(one: bytes) -> SparseCode:
        if NUMBERS[one] == 90:
            raise RuntimeError("no more")
        return encode(one)

    with pytest.raises(RuntimeError, match="no more"):
        opened(tmp_path).update([key(number) for number in range(100)], encode_most, workers=1)
    assert 20 < len(opened(tmp_path)) <= 90
    assert answers(updated(tmp_path, range(100)), range(100)) == clean(range(100))


def test_a_wrong_key_or_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a key has 32 bytes"):
        opened().update([b"short"], encode)
    with pytest.raises(ValueError, match="words ascend"):
        opened().update(
            [key(1)], lambda _: SparseCode(np.array([2, 2], np.uint16), np.zeros((2, 16), np.uint8))
        )
