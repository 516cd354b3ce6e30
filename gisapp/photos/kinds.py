"""Which pictures are taken for photos, told by their first bytes, and what to do with others."""

from __future__ import annotations

from gisapp.errors import Problem
from gisapp.words import Words

#: Media type → the ending of its files.
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
#: Media type → the decoders that may open it. A phone's JPEG may hold several pictures, which is MPO.
DECODERS = {"image/jpeg": ("JPEG", "MPO"), "image/png": ("PNG",), "image/webp": ("WEBP",)}

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF = (b"avif", b"avis")
_TO_JPEG = Words("请另存为 JPEG 或 PNG", "save it as JPEG or PNG")
_FOREIGN: tuple[tuple[bytes, Words], ...] = (
    (b"GIF8", Words("GIF 动图", "a GIF")), (b"BM", Words("BMP 位图", "a BMP")),
    (b"II*\x00", Words("TIFF 影像", "a TIFF")), (b"MM\x00*", Words("TIFF 影像", "a TIFF")),
    (b"%PDF", Words("PDF", "a PDF")), (b"PK\x03\x04", Words("压缩包或 Office 文件", "an archive or an office file")),
)


def kind_of(start: bytes) -> str:
    """The media type of a file that begins so. Problem `photo_kind` (415) for what is no photo, with what to do."""
    if start.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    what, do = _foreign(start)
    raise Problem("photo_kind", what=what, do=do)


def _foreign(start: bytes) -> tuple[Words, Words]:
    brand = start[8:12] if start[4:8] == b"ftyp" else b""
    if brand in _HEIC:
        return Words("HEIC 照片", "a HEIC photo"), Words(
            "请在手机的相机设置中选“兼容性最佳”（JPEG），或先转成 JPEG",
            "set the phone's camera to “most compatible” (JPEG), or convert it to JPEG first")
    if brand in _AVIF:
        return Words("AVIF 图片", "an AVIF picture"), _TO_JPEG
    if brand:
        return Words("视频", "a video"), Words("请提交照片", "send photos")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!doctype", b"<html", b"<")):
        return Words("网页或 SVG 文件", "a web page or SVG"), _TO_JPEG
    for magic, what in _FOREIGN:
        if start.startswith(magic):
            return what, _TO_JPEG
    return Words("无法识别的文件", "a file of unknown kind"), _TO_JPEG
