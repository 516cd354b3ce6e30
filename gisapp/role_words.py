"""Roles and acts in the words of people: for sentences and for the table of docs/accounts.md."""

from __future__ import annotations

from gisapp.words import Words

ACT_WORDS: dict[str, Words] = {
    "read": Words("查看图层、要素、瓦片", "see layers, features and tiles"),
    "read_personal": Words("查看个人信息字段", "see fields that hold personal data"),
    "create": Words("新建要素", "create features"),
    "update": Words("修改要素", "change features"),
    "change_state": Words("改变状态", "change a feature's state"),
    "delete": Words("删除要素", "delete features"),
    "export": Words("导出文件", "take files out"),
    "import": Words("导入文件", "bring files in"),
    "manage_receivers": Words("管理接收单位、查看全部交付记录", "look after receivers and see every delivery"),
    "manage_accounts": Words("管理账户", "look after accounts"),
    "own_account": Words("管理自己的账户", "look after one's own account"),
}

ROLE_WORDS: dict[str, Words] = {
    "viewer": Words("浏览者", "Viewer"), "inspector": Words("执法队员", "Inspector"),
    "reviewer": Words("审核员", "Reviewer"), "exporter": Words("数据导出员", "Exporter"),
    "admin": Words("管理员", "Administrator"),
}
