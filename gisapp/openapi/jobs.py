"""Long work in the background, for programs: how far it is, its file, an end to it."""

from __future__ import annotations

from typing import Any

from gisapp.formats import FILE_FORMATS
from gisapp.openapi.answers import json_content, paged, reading, writing
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import format_parameter
from gisapp.words import Words

TAG = "jobs"
_WORDS = {
    "list": Words("自己的后台任务（管理员：所有人的）", "One's own jobs; for administrators those of everybody"),
    "ask": Words("由后台任务生成文件；receiver 为接收单位，mode=difference 只含上次交付以来的变化",
                 "Have a job make a file; mode=difference: only what is new since the receiver's last delivery"),
    "show": Words("一个任务：状态、已完成行数、总行数；完成后含文件地址",
                  "One job: state, rows done, rows in all, and at the end the file's address"),
    "file": Words("任务生成的文件；保留时间过后为 410", "The file that the job made; 410 once its time is over"),
    "part": Words("Range 所要的部分；If-Range 的 ETag 不符时为整个文件",
                  "The part that Range asks for; the whole file where If-Range names another ETag"),
    "remove": Words("提前删除任务生成的文件，其下载链接随之失效",
                    "Delete the job's file before its time; links to it end"),
    "cancel": Words("取消：等待中的立即结束，执行中的几秒内停止",
                    "Cancel: a waiting job ends at once, a running one within seconds"),
    "retry": Words("重试失败或已取消的任务", "Try a failed or cancelled job again"),
    "asked": Words("超过 2000 个要素：由后台任务完成，地址见 Location",
                   "More than 2 000 features: a job does the work; Location names it"),
}
_TEXT, _WHOLE = {"type": "string"}, {"type": "integer"}
_MAYBE = _TEXT | {"nullable": True}
_ID = {"name": "jobId", "in": "path", "required": True, "schema": _TEXT | {"format": "uuid"},
       "description": "Id of the job / 任务编号"}
SCHEMA: dict[str, Any] = {
    "type": "object", "required": ["id", "kind", "state", "rows_done", "rows_in_all", "file", "links"],
    "properties": {
        "id": _TEXT | {"format": "uuid"}, "kind": _TEXT | {"enum": ["export", "import"]}, "layer": _TEXT,
        "state": _TEXT | {"enum": ["waiting", "running", "done", "failed", "cancelled"]},
        "rows_done": _WHOLE, "rows_in_all": _WHOLE | {"nullable": True}, "step": _MAYBE,
        "remaining_s": _WHOLE | {"nullable": True}, "cancelling": {"type": "boolean"}, "asked_by": _TEXT,
        "attempt": _WHOLE, "created_at": _MAYBE, "started_at": _MAYBE, "finished_at": _MAYBE, "expires_at": _MAYBE,
        "file": _MAYBE | {"description": "Address of the finished file / 文件地址"}, "file_name": _MAYBE,
        "problem": {"type": "object", "nullable": True, "description": "As in a failed answer / 同出错时的返回"},
        "links": {"type": "array", "items": {"type": "object"}}}}
_ORDER = {"type": "object", "required": ["layer", "f"], "additionalProperties": _TEXT, "properties": {
    "layer": _TEXT, "f": _TEXT | {"enum": list(FILE_FORMATS)}, "receiver": _TEXT | {"format": "uuid"},
    "mode": _TEXT | {"enum": ["full", "difference"]}},
    "description": "Further members: the parameters of an items request / 其余成员：items 请求的参数"}
_LOCATION = {"Location": {"schema": _TEXT, "description": "Address of the job / 任务地址"},
             "Retry-After": {"schema": _WHOLE, "description": "Seconds / 秒"}}


def make_paths(language: str) -> dict[str, Any]:
    """The paths of jobs with their operations."""
    said = {name: words.get(language) for name, words in _WORDS.items()}
    one, path = json_content({"$ref": "#/components/schemas/Job"}), {"parameters": [_ID]}
    shown = format_parameter("json", "html")
    file = {"application/octet-stream": {"schema": _TEXT | {"format": "binary"}}}
    missing = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in (409, 410)}
    return {
        "/jobs": {
            "get": operation(TAG, "getJobs", said["list"], reading(said["list"], paged(json_content())), shown),
            "post": operation(TAG, "createJob", said["ask"], writing("202", said["ask"], one) | {
                "429": {"$ref": "#/components/responses/Problem429"}}, body=json_content(_ORDER))},
        "/jobs/{jobId}": path | {
            "get": operation(TAG, "getJob", said["show"], reading(said["show"], paged(one)), shown),
            "delete": operation(TAG, "cancelJob", said["cancel"], writing("200", said["cancel"], one))},
        "/jobs/{jobId}/file": path | {
            "get": operation(TAG, "getJobFile", said["file"], reading(said["file"], file) | missing | {
                "206": {"description": said["part"], "content": file},
                "416": {"$ref": "#/components/responses/Problem416"}}),
            "delete": operation(TAG, "deleteJobFile", said["remove"], writing("200", said["remove"], one) | missing)},
        "/jobs/{jobId}/retry": path | {
            "post": operation(TAG, "retryJob", said["retry"], writing("202", said["retry"], one))},
    }


def asked(language: str) -> dict[str, Any]:
    """The further responses of an address that may answer with a job."""
    content = json_content({"$ref": "#/components/schemas/Job"})
    return {"202": {"description": _WORDS["asked"].get(language), "headers": _LOCATION, "content": content},
            "429": {"$ref": "#/components/responses/Problem429"}}
