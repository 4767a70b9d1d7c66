"""The formats that Pillow reads by an optional package: HEIC, AVIF and JPEG XL."""

from __future__ import annotations

from PIL import features


def optional_format(data: bytes) -> str | None:
    """Name the format of `data` if it is one that an optional package may be needed for."""
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
            return "HEIC"
        if brand in (b"avif", b"avis"):
            return "AVIF"
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")):
        return "JPEG XL"
    return None


def register_reader(format_: str) -> bool:
    """Register the reader of an optional format with Pillow; say whether there is one."""
    try:
        if format_ == "JPEG XL":
            import pillow_jxl  # noqa: F401
        elif format_ == "HEIC" or not features.check("avif"):
            import pillow_heif

            pillow_heif.register_heif_opener()
    except ImportError:
        return False
    return True
