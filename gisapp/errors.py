"""Every mistake that a user can make, with its stable code, its status and what to do about it.

One table, `PROBLEMS`; one exception, `Problem`. A code never changes its meaning once released:
scripts and the field page decide by it. `docs/errors.md` is generated from the table.

    Problem                  an answer in the 4xx range, or 503 when the service asks for patience
    LayerFileError           a wrong layer file; stops the start (gisapp.layers)
    ConfigError              a wrong setting; stops the start (gisapp.config)
"""

from __future__ import annotations

import errno
from typing import Any

from gisapp.account_problems import ACCOUNT_PROBLEMS
from gisapp.problem_kinds import (
    DELIVERY_PROBLEMS,
    EXPORT_PROBLEMS,
    FILTER_PROBLEMS,
    IMPORT_PROBLEMS,
    JOB_PROBLEMS,
    PHOTO_PROBLEMS,
    PRINT_PROBLEMS,
    QUESTION_PROBLEMS,
    STATISTICS_PROBLEMS,
    ProblemKind,
)
from gisapp.words import spoken

PROBLEMS: dict[str, ProblemKind] = {
    **ACCOUNT_PROBLEMS,
    # what you asked for
    "not_found": ProblemKind(404, "没有这个页面或资源。", "There is no such page or resource."),
    "layer_unknown": ProblemKind(
        404, "没有图层“{layer}”。可用图层见 /collections。",
        "There is no layer “{layer}”. See /collections for those that exist."),
    "feature_unknown": ProblemKind(
        404, "没有编号为 {id} 的要素；它可能已被删除。",
        "There is no feature {id}; it may have been deleted."),
    "range_outside": ProblemKind(
        416, "所要的部分不在文件之内，文件共 {size} 字节。请从头下载。",
        "The part that was asked for lies outside the file, which has {size} bytes. Fetch it from its beginning."),
    "method_not_allowed": ProblemKind(405, "此地址不支持该方法。", "This address does not take that method."),
    "format_unknown": ProblemKind(
        400, "不支持格式“{format}”。可用：{known}。", "Format “{format}” is not known. Use one of: {known}."),
    "parameter_unknown": ProblemKind(
        400, "不认识参数“{name}”。可用：{known}。", "Parameter “{name}” is not known. Use one of: {known}."),
    "parameter_invalid": ProblemKind(
        400, "参数“{name}”的值无效：{reason}。", "The value of parameter “{name}” is not valid: {reason}."),
    "parameter_repeated": ProblemKind(
        400, "参数“{name}”只能出现一次。", "Parameter “{name}” may be given only once."),
    "field_masked": ProblemKind(
        403, "字段“{field}”含个人信息，您不能按它筛选或排序。",
        "Field “{field}” holds personal data; you may not filter or sort on it."),
    **FILTER_PROBLEMS,
    **STATISTICS_PROBLEMS,
    "crs_unsupported": ProblemKind(
        400, "不支持坐标系“{crs}”。请从坐标系菜单中选择，例如 EPSG:4490 或 EPSG:4547。",
        "CRS “{crs}” is not supported. Choose one of the menu, for example EPSG:4490 or EPSG:4547."),
    "tile_outside": ProblemKind(
        404, "瓦片 {z}/{y}/{x} 不在矩阵范围内。", "Tile {z}/{y}/{x} lies outside the tile matrix."),
    "query_too_slow": ProblemKind(
        422, "查询超过时限（{seconds} 秒），已停止。请缩小范围或减少条件。",
        "The query passed its time limit ({seconds} s) and was stopped. Ask for a smaller area or fewer conditions."),
    # what you sent
    "body_too_large": ProblemKind(
        413, "提交内容超过 {limit_mb} MB。请分批提交，或使用导入。",
        "The request is larger than {limit_mb} MB. Send it in parts, or use the import."),
    "media_type_unsupported": ProblemKind(
        415, "不支持内容类型“{type}”。请使用 {known}。",
        "Content type “{type}” is not supported. Use {known}."),
    "json_invalid": ProblemKind(
        400, "提交的不是有效的 JSON：{reason}。", "The body is not valid JSON: {reason}."),
    "feature_invalid": ProblemKind(
        400, "提交的不是有效的 GeoJSON 要素：{reason}。",
        "The body is not a valid GeoJSON feature: {reason}."),
    "geometry_invalid": ProblemKind(
        422, "几何无效：{reason}（位置：{place}）。请修正后再提交。",
        "The geometry is not valid: {reason} (at {place}). Correct it and send it again."),
    "geometry_type": ProblemKind(
        422, "几何类型是 {given}，此图层需要 {wanted}。",
        "The geometry is a {given}; this layer takes {wanted}."),
    "geometry_missing": ProblemKind(
        422, "缺少几何。此图层需要 {wanted}。", "The geometry is missing. This layer takes {wanted}."),
    "geometry_too_large": ProblemKind(
        422, "几何有 {count} 个顶点，上限是 {limit}。请简化或拆分。",
        "The geometry has {count} vertices; the limit is {limit}. Simplify or split it."),
    "coordinates_outside": ProblemKind(
        422, "坐标超出有效范围：{place}。请检查坐标系和轴序（经度在前）。",
        "Coordinates outside the valid range: {place}. Check the CRS and the axis order (longitude first)."),
    "properties_invalid": ProblemKind(
        422, "有 {count} 个字段无效，见 errors。", "{count} field(s) are not valid; see errors."),
    "id_invalid": ProblemKind(
        400, "要素编号必须是 UUID：{id}。", "A feature id must be a UUID: {id}."),
    "id_conflict": ProblemKind(
        409, "编号 {id} 已存在且内容不同。请改用新的编号，或更新原要素。",
        "Id {id} exists already with other content. Use a new id, or update the feature."),
    "version_unknown": ProblemKind(
        404, "这个要素没有版本 {version}。可用版本见其历史。",
        "This feature has no version {version}. See its history for those it has."),
    "feature_deleted": ProblemKind(
        409, "编号为 {id} 的要素已被删除，不能再次提交。如需恢复，请联系审核员。",
        "Feature {id} was deleted and cannot be sent again. Ask a reviewer to restore it."),
    "value_conflict": ProblemKind(
        409, "字段“{field}”的值已被其他要素使用，必须唯一。",
        "The value of field “{field}” is already used by another feature; it must be unique."),
    "version_required": ProblemKind(
        428, "修改或删除必须带 If-Match 请求头（取自 ETag），以免覆盖他人的修改。",
        "Send If-Match with the ETag you started from, so that nobody's change is overwritten."),
    "version_invalid": ProblemKind(
        400, "If-Match 的格式不对：{given}。应为 ETag，例如 \"3\"。",
        "If-Match is not an ETag of a feature: {given}. It looks like \"3\"."),
    "version_stale": ProblemKind(
        412, "该要素已被他人修改（当前版本 {current}）。请重新载入后再改。",
        "The feature was changed by somebody else (now version {current}). Load it again before you change it."),
    "state_not_reachable": ProblemKind(
        422, "不能从状态“{old}”直接变为“{new}”。可变为：{allowed}。",
        "State “{new}” cannot follow “{old}”. Possible: {allowed}."),
    "rule_broken": ProblemKind(
        422, "违反规则“{rule}”：{reason}。", "Rule “{rule}” is broken: {reason}."),
    # marking
    "body_invalid": ProblemKind(
        422, "提交的内容不符合此操作的要求：{reason}。", "The body is not what this takes: {reason}."),
    "duplicates_near": ProblemKind(
        409, "附近 {metres} 米内已有 {count} 个同类要素。请核对；如确非重复，可继续保存。",
        "{count} feature(s) of this layer lie within {metres} m. Compare; if none is the same, save anyway."),
    "batch_refused": ProblemKind(
        422, "有 {count} 个要素不能这样修改，因此全部未修改，见 results。",
        "{count} feature(s) cannot be changed so; therefore none was, see results."),
    "undo_unknown": ProblemKind(
        404, "没有可撤销的操作：只能撤销自己最近 {minutes} 分钟内的操作；更早的请在历史中恢复。",
        "There is nothing to undo: only what you did in the last {minutes} minutes. For the rest, use the history."),
    "line_unreadable": ProblemKind(
        422, "第 {line} 行看不懂：“{text}”。每行一个点（两个数），或一段（方位角和距离）。",
        "Line {line} cannot be read: “{text}”. Write one point (two numbers) or one leg (bearing, distance) a line."),
    "points_too_few": ProblemKind(
        422, "只有 {count} 个点，至少需要 {least} 个。", "There are {count} points; at least {least} are needed."),
    "shape_absent": ProblemKind(
        422, "要素 {id} 没有可用的几何（{wanted}）。", "Feature {id} has no geometry for this ({wanted})."),
    "split_misses": ProblemKind(
        422, "这条线没有把要素切开。线的两端应超出要素边界。",
        "The line does not cut the feature. Let both its ends reach beyond the border."),
    # files in and out
    **EXPORT_PROBLEMS,
    "export_not_faithful": ProblemKind(
        422, "写出的文件读回后与原数据不一致（{place}），未交付。请换一种格式，例如 GeoPackage。",
        "The file did not read back as it was written ({place}) and was withheld. Take another format, such as "
        "GeoPackage."),
    "export_too_large": ProblemKind(
        422, "数据超过该格式的单文件上限 2 GB（{part}）。请缩小范围，或改用 GeoPackage。",
        "The data exceed this format's 2 GB a file ({part}). Ask for less, or take GeoPackage."),
    "upload_missing": ProblemKind(
        400, "没有收到文件。请选择 Shapefile（zip，或同名的 .shp、.shx、.dbf、.prj 等文件）、GeoPackage 或 GeoJSON。",
        "No file came. Choose a Shapefile (zip, or its .shp, .shx, .dbf, .prj together), GeoPackage or GeoJSON."),
    "upload_too_large": ProblemKind(
        413, "文件（解压后）超过上限 {limit_mb} MB。请分批导入。",
        "The file, unpacked, is larger than {limit_mb} MB. Import it in parts."),
    "file_unsupported": ProblemKind(
        415, "不能导入此文件：{reason}。", "This file cannot be imported: {reason}."),
    "archive_refused": ProblemKind(
        422, "压缩包被拒绝：{reason}。", "The archive is refused: {reason}."),
    "file_unreadable": ProblemKind(
        422, "文件无法读取：{reason}。", "The file cannot be read: {reason}."),
    "work_failed": ProblemKind(
        422, "文件处理失败：超出时间或内存上限，或文件已损坏。请缩小范围或检查文件后重试。",
        "Working on the file failed: it passed its limit of time or memory, or the file is damaged. "
        "Ask for less, or check the file, and try again."),
    "storage_full": ProblemKind(
        507, "服务器磁盘空间不足或不可写，没有保存任何内容。请告诉管理员，腾出空间后重试。",
        "The server's disk is full or cannot be written; nothing was kept. Tell an administrator, then try again."),
    # the service itself
    "request_invalid": ProblemKind(400, "无法理解这个请求。", "This request cannot be understood."),
    "internal": ProblemKind(
        500, "服务内部出错，已记录。请稍后再试，或把请求编号告诉管理员。",
        "The service failed and has noted it. Try again, or tell an administrator the request id."),
    "busy": ProblemKind(
        503, "服务繁忙，请 {seconds} 秒后再试。", "The service is busy; try again in {seconds} s."),
    "database_unavailable": ProblemKind(
        503, "数据库暂时不可用，请稍后再试；数据没有丢失。",
        "The database cannot be reached just now; try again shortly. Nothing was lost."),
    **IMPORT_PROBLEMS,
    **QUESTION_PROBLEMS,
    **PRINT_PROBLEMS,
    **JOB_PROBLEMS,
    **DELIVERY_PROBLEMS,
    **PHOTO_PROBLEMS,
}

#: What the system says when nothing more can be written.
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class Problem(Exception):
    """A mistake of the user's, to be answered with `kind.status`.

    `code` names a row of `PROBLEMS`; `params` fill its sentences, `Words` in the reader's language; `errors` lists
    faults field by field, each a dict with `field`, `code`, `zh`, `en`; `headers` go out with the answer; `more` are
    further members of its document, such as the `point` (GeoJSON, EPSG:4326) where a geometry is wrong.
    """

    def __init__(self, code: str, *, errors: list[dict[str, Any]] | None = None,
                 headers: dict[str, str] | None = None, more: dict[str, Any] | None = None, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.kind = PROBLEMS[code]
        self.params = params
        self.errors = errors or []
        self.headers = headers or {}
        self.more = more or {}

    def sentence(self, language: str) -> str:
        """The sentence in "zh" or "en" with its parameters filled in."""
        template = self.kind.zh if language == "zh" else self.kind.en
        said = {name: spoken(value, language, name == "reason") for name, value in self.params.items()}
        return template.format(**said)

    def document(self, language: str = "zh") -> dict[str, Any]:
        """The body of an RFC 9457 problem document; `code` is what programs decide by."""
        body: dict[str, Any] = {
            "type": f"/errors#{self.code}",
            "title": self.code,
            "status": self.kind.status,
            "code": self.code,
            "detail": self.sentence(language),
            "zh": self.sentence("zh"),
            "en": self.sentence("en"),
        }
        if self.errors:
            body["errors"] = self.errors
        return body | self.more

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence('en')}"


__all__ = ["PROBLEMS", "Problem", "ProblemKind"]
