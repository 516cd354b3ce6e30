"""What a problem is made of, and the problems of filters, questions and printing; all are in `gisapp.errors`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProblemKind:
    """Status and sentences of a problem; the sentences are `str.format` templates over its parameters."""

    status: int
    zh: str
    en: str


FILTER_PROBLEMS: dict[str, ProblemKind] = {
    "filter_invalid": ProblemKind(
        400, "筛选条件不能使用：{reason}。", "The filter cannot be used: {reason}."),
    "filter_too_large": ProblemKind(
        400, "筛选条件过长或过于复杂：{reason}。", "The filter is too long or too complex: {reason}."),
    "filter_no_value": ProblemKind(
        422, "筛选条件中的计算没有结果（例如数值溢出）。",
        "The filter reckons a number that cannot be, or is too large."),
}

QUESTION_PROBLEMS: dict[str, ProblemKind] = {
    "question_unknown": ProblemKind(
        404, "没有编号为 {id} 的问题，或它没有共享给您。请向其所有者核实。",
        "There is no question {id}, or it is not shared with you. Ask its owner."),
    "question_not_yours": ProblemKind(
        403, "只有所有者或管理员可以修改这个问题。请另存为自己的问题。",
        "Only its owner or an administrator may change this question. Save it as your own."),
    "area_unknown": ProblemKind(
        404, "没有编号为 {id} 的范围。请重新上传文件。", "There is no area {id}. Send the file again."),
    "question_read_only": ProblemKind(
        405, "“{id}”是由问题生成的图层，只能读取。请在问题所针对的图层上修改。",
        "“{id}” is a layer made from a question and can only be read. Make the change in the question's layer."),
    "questions_too_many": ProblemKind(
        422, "每个账户最多保存 {limit} 个问题。请先删除不用的。",
        "An account keeps {limit} questions at most. Delete some first."),
}

EXPORT_PROBLEMS: dict[str, ProblemKind] = {
    "format_geometry": ProblemKind(
        422, "{format} 不能存“{layer}”的几何类型。请改用 GeoPackage、Shapefile 或 GeoJSON。",
        "{format} cannot hold the kind of geometry of “{layer_en}”. Take GeoPackage, Shapefile or GeoJSON."),
    "format_crs": ProblemKind(
        422, "{format} 只能存经纬度。请去掉 crs，或用 crs=EPSG:4490。",
        "{format} holds longitude and latitude only. Leave crs away, or take crs=EPSG:4490."),
    "reason_missing": ProblemKind(
        422, "导出个人信息字段，或按其筛选、排序后导出，须说明理由（personal-reason），理由会记入日志。",
        "Personal fields leave the house, and may be asked by in what leaves it, only with a reason "
        "(personal-reason), which is logged."),
}

STATISTICS_PROBLEMS: dict[str, ProblemKind] = {
    "group_unknown": ProblemKind(
        400, "不能按“{name}”分组。可用：{known}。", "Groups cannot be made by “{name}”. Use one of: {known}."),
    "sum_unknown": ProblemKind(
        400, "不能合计“{name}”。可用：{known}。", "“{name}” cannot be added up. Use one of: {known}."),
    "statistics_too_many": ProblemKind(
        422, "分组超过 {limit} 个。请选择更粗的分组、缩小查询范围，或用 limit 只取前几名。",
        "There are more than {limit} groups. Take coarser ones, narrow the question, or ask for the first with limit."),
}

PRINT_PROBLEMS: dict[str, ProblemKind] = {
    "print_font_missing": ProblemKind(
        503, "服务器没有中文字体，无法打印。请管理员安装 fonts-noto-cjk。",
        "The server has no Chinese font to print with. Ask an administrator to install fonts-noto-cjk."),
    "print_too_many": ProblemKind(
        422, "“{layer}”在本图中超过 {limit} 个要素。请用更大的比例尺或缩小查询范围。",
        "More than {limit} features of {layer} lie on this sheet. Take a larger scale or narrow the question."),
    "print_nothing": ProblemKind(
        422, "没有符合条件的要素，无法确定图幅位置。请修改条件或给出 lon、lat。",
        "Nothing answers the question, so the sheet has no place. Change the question or give lon and lat."),
    "print_atlas_size": ProblemKind(
        422, "图册每个要素一页，当前 {count} 个；应为 1 至 {limit} 个。请修改查询条件。",
        "An atlas has a page for each of 1 to {limit} features; the question found {count}. Change it."),
    "map_file_too_many": ProblemKind(
        422, "“{layer}”在视野内有 {count} 个要素，单个文件最多 {limit} 个。请放大地图、增加筛选条件或关闭该图层。",
        "{layer} has {count} features in view; a file takes {limit}. Zoom in, filter, or switch the layer off."),
    "map_file_too_large": ProblemKind(
        422, "文件将有 {size} MB，上限 {limit} MB。请放大地图、增加筛选条件或关闭部分图层。",
        "The file would have {size} MB; the limit is {limit} MB. Zoom in, filter, or switch layers off."),
}

JOB_PROBLEMS: dict[str, ProblemKind] = {
    "job_unknown": ProblemKind(
        404, "没有这个任务，或它不是您的。任务记录在结束 90 天后删除。",
        "There is no such job, or it is not yours. Jobs are forgotten 90 days after their end."),
    "job_not_done": ProblemKind(
        409, "任务没有可下载的文件：尚未完成，或未成功。请查看任务状态。",
        "The job has no file to download: it has not ended yet, or not well. Look at its state."),
    "job_ended": ProblemKind(
        409, "任务已经结束，无法取消。", "The job has ended already and cannot be cancelled."),
    "job_not_ended": ProblemKind(
        409, "只有失败或已取消的任务可以重试。", "Only a job that failed or was cancelled can be tried again."),
    "job_expired": ProblemKind(
        410, "文件的保留时间已过，已删除。请重新导出。",
        "The file was kept for its time and is gone. Ask for it again."),
    "jobs_too_many": ProblemKind(
        429, "您有 {limit} 个任务尚未结束。请等待其完成或取消一些。",
        "{limit} jobs of yours have not ended. Wait for them, or cancel some."),
    "job_account_disabled": ProblemKind(
        403, "提出任务的账户已被停用，任务没有执行。请联系管理员。",
        "The account that asked for the job is disabled; nothing was done. Ask an administrator."),
    "job_abandoned": ProblemKind(
        422, "任务执行 {attempts} 次均意外中断，已放弃。请缩小范围后重试，或联系管理员。",
        "The job broke off {attempts} times and was given up. Ask for less and try again, or tell an administrator."),
    "import_busy": ProblemKind(
        409, "这个上传正在由后台任务处理。请等待其结束，或先取消任务。",
        "A job is working on this upload. Wait for its end, or cancel the job first."),
}

IMPORT_PROBLEMS: dict[str, ProblemKind] = {
    "import_unknown": ProblemKind(
        404, "没有此导入，或它已过期。请重新上传。",
        "There is no such import, or it has expired. Upload the file again."),
    "import_done": ProblemKind(
        409, "此导入已经提交过。", "This import was committed already."),
    "import_not_checked": ProblemKind(
        409, "请先检查此导入，再查看结果。", "Check this import first; then there is something to see."),
    "import_lost": ProblemKind(
        409, "数据库曾意外结束，检查结果已丢失；请用相同的选择重新检查。",
        "The result of the check was lost when the database ended; check again with the same choices."),
    "import_stale": ProblemKind(
        409, "检查之后图层已有变化，请重新检查。", "The layer has changed since the check; check again."),
    "import_not_done": ProblemKind(
        409, "此导入未提交或已撤销，不能撤销。",
        "This import was not committed, or is undone already; there is nothing to undo."),
    "import_changed_since": ProblemKind(
        409, "有 {count} 条记录在导入后又被改动，不能整体撤销。请先处理所列记录。",
        "{count} record(s) were changed after the import, so it cannot be undone as a whole. See to those first."),
    "import_refused": ProblemKind(
        422, "有 {count} 行不能导入，因此没有写入任何数据。请修正文件，或选择只导入合格的行。",
        "{count} row(s) cannot be imported, so nothing was stored. Correct the file, or ask for the valid rows only."),
    "mapping_invalid": ProblemKind(
        422, "字段对应无效：{reason}。", "The mapping of fields is not valid: {reason}."),
    "crs_needed": ProblemKind(
        422, "{name}：文件没有可用的坐标系，或按其坐标系读取数据不在辖区内。请用 crs 指明，候选：{candidates}。",
        "{name}: the file has no usable CRS, or read in its own the data fall off the city. Name it by crs; "
        "candidates: {candidates}."),
}

DELIVERY_PROBLEMS: dict[str, ProblemKind] = {
    "receiver_unknown": ProblemKind(
        404, "没有这个接收单位。", "There is no such receiver. Choose one of the list."),
    "receiver_taken": ProblemKind(
        409, "已有名为“{name}”的接收单位。", "There is a receiver named “{name}” already."),
    "receiver_changed": ProblemKind(
        409, "接收单位在此期间已被他人修改。请刷新后重新填写。",
        "The receiver was changed by somebody else meanwhile. Load the page again and repeat your change."),
    "receiver_retired": ProblemKind(
        409, "接收单位“{name}”已停用，不能再交付。", "The receiver “{name}” is no longer in use."),
    "receiver_no_personal": ProblemKind(
        403, "该接收单位不得接收个人信息字段。请去掉这些字段（筛选条件中的也去掉）和理由，或由审核员修改接收单位。",
        "This receiver may not get personal fields. Leave them and the reason away, in the question too, or have a "
        "reviewer change it."),
    "difference_shape": ProblemKind(
        409, "上次交付后，{what}已改变，之前交付的要素缺少这些内容。请完整交付一次。",
        "Since the last delivery {what} changed, which the features sent before lack. Send a whole one."),
    "difference_nothing": ProblemKind(
        409, "该接收单位还没有收到过这个问题的结果，无法只交付变化。请先完整交付一次。",
        "This receiver has had no delivery of this question yet. Send a whole one first."),
    "difference_one_layer": ProblemKind(
        422, "只交付变化时一次只能有一个图层。",
        "A difference is made of one layer at a time. Leave the further layers away."),
    "difference_overtaken": ProblemKind(
        409, "制作期间该接收单位又收到了这个问题的一次交付，这份变化已不完整，没有交付。请重新只交付变化。",
        "While this was made the receiver had another delivery of the same question, so it no longer tells all; it was "
        "not handed over. Ask for the difference again."),
    "delivery_unknown": ProblemKind(
        404, "没有这次交付，或它不是您的。", "There is no such delivery, or it is not yours."),
    "link_no_receiver": ProblemKind(
        409, "只有交付给接收单位的文件才能生成下载链接。请选择接收单位后重新导出。",
        "Only a file made for a receiver can have a link. Make it again for a receiver."),
    "link_too_many": ProblemKind(
        409, "这次交付已有 {limit} 个有效链接。请先吊销一些。",
        "This delivery has {limit} links that work. Revoke some first."),
    "link_unknown": ProblemKind(
        404, "链接不正确。请核对是否完整复制，或向发送方索取。",
        "This link is not right. Check that it was copied whole, or ask the sender for it."),
    "link_over": ProblemKind(
        410, "链接已失效（过期、已吊销、次数用完，或接收单位已停用）。请向发送方索取新的链接。",
        "This link works no more: its time or its uses are over, it was revoked, or its receiver is no longer in use. "
        "Ask the sender for a new one."),
    "link_busy": ProblemKind(
        429, "链接在一小时内使用次数过多，请稍后再试。",
        "This link was used too often within the hour. Try again later."),
}

PHOTO_PROBLEMS: dict[str, ProblemKind] = {
    "photo_unknown": ProblemKind(
        404, "没有这张照片；它可能已被移除。", "There is no such photo; it may have been removed."),
    "photo_missing": ProblemKind(
        400, "没有收到照片。请以 multipart/form-data 的 file 字段提交一张照片。",
        "No photo came. Send one as the field file of multipart/form-data."),
    "photo_kind": ProblemKind(
        415, "这是{what}，不能作为照片。{do}。可用：JPEG、PNG、WebP。",
        "This is {what} and cannot be taken for a photo: {do}. Possible are JPEG, PNG and WebP."),
    "photo_bytes": ProblemKind(
        413, "照片超过 {limit} MB。请在手机上缩小后再传。",
        "The photo is larger than {limit} MB. Make it smaller first."),
    "photo_too_large": ProblemKind(
        422, "照片有 {width}×{height} 像素，上限是 {limit} 百万像素。请缩小后再传。",
        "The photo has {width}×{height} pixels; the limit is {limit} megapixels. Make it smaller first."),
    "photo_unreadable": ProblemKind(
        422, "照片已损坏或不完整（{reason}）。请重新拍摄或重新导出。",
        "The photo is damaged or cut short ({reason}). Take it or save it again."),
    "photo_too_many": ProblemKind(
        422, "一个要素最多 {limit} 张照片。请先移除不需要的。",
        "A feature has at most {limit} photos. Remove some first."),
    "photo_id_conflict": ProblemKind(
        409, "编号 {id} 已是另一张照片。请换用新的编号。", "Id {id} is another photo already. Use a new id."),
    "photo_removed": ProblemKind(
        409, "编号为 {id} 的照片已被移除，不能再次提交。请换用新的编号。",
        "Photo {id} was removed and cannot be sent again. Use a new id."),
    "photo_not_yours": ProblemKind(
        403, "只有审核员可以移除和恢复照片；添加者、移除者本人可在 {minutes} 分钟内撤回。请联系审核员。",
        "Only a reviewer removes photos and brings them back; who added or removed one may within {minutes} minutes. "
        "Ask a reviewer."),
    "photo_original_masked": ProblemKind(
        403, "原始文件含拍摄位置等信息，您只能看不含这些信息的照片。请去掉 size=original。",
        "The original file tells where it was taken and more; you may see the photo without that. Leave away "
        "size=original."),
    "photo_lost": ProblemKind(
        410, "照片文件不在服务器上。请管理员运行 gisapp attachments check，并从备份恢复。",
        "The photo's file is not on the server. Let an administrator run gisapp attachments check and restore it from "
        "a backup."),
}
