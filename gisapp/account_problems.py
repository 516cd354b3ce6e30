"""The problems of accounts, passwords and tokens, and of who may do what; all are in `gisapp.errors`."""

from __future__ import annotations

from gisapp.problem_kinds import ProblemKind

ACCOUNT_PROBLEMS: dict[str, ProblemKind] = {
    # who you are and what you may do
    "sign_in_required": ProblemKind(401, "请先登录。", "Sign in first."),
    "sign_in_wrong": ProblemKind(401, "用户名或密码不正确。", "The user name or the password is wrong."),
    "account_disabled": ProblemKind(
        401, "此账户已停用。请联系管理员。", "This account is disabled. Ask an administrator."),
    "token_wrong": ProblemKind(
        401, "令牌无效、已过期或已吊销。请在“我的账户”中新建。",
        "The token is not valid, has expired or was revoked. Make a new one under “My account”."),
    "too_many_sign_ins": ProblemKind(
        429, "密码错误次数过多，请 {seconds} 秒后再试。",
        "Too many wrong passwords; try again in {seconds} s."),
    "csrf_failed": ProblemKind(
        403, "页面已过期或请求来自其他网站。请刷新页面后重试。",
        "The page is out of date, or the request came from another site. Reload the page and try again."),
    "password_change_required": ProblemKind(
        403, "首次使用前请先登录网页修改密码。", "Sign in on the web page and change the password first."),
    "act_not_allowed": ProblemKind(
        403, "您的角色（{role}）不能执行此操作：{act}。如有需要，请联系管理员。",
        "Your role ({role}) does not include this: {act}. Ask an administrator if you need it."),
    "outside_territory": ProblemKind(
        403, "该位置不在您的辖区（{squadron}）内，不能修改。",
        "This place is outside your territory ({squadron}); you may not change it."),
    # accounts
    "account_unknown": ProblemKind(404, "没有这个账户。", "There is no such account."),
    "username_invalid": ProblemKind(
        422, "用户名须为 1 至 {limit} 个字符，不含空格、冒号或符号 / \\ < > & % ? # 和引号。",
        "A user name has 1 to {limit} characters, no spaces, colons, quotes nor any of / \\ < > & % ? #."),
    "username_taken": ProblemKind(
        409, "用户名“{username}”已被使用。", "The user name “{username}” is taken."),
    "role_unknown": ProblemKind(
        422, "没有这个角色。可用：{known}。",
        "There is no such role. Use one of: {known}."),
    "squadron_unknown": ProblemKind(
        422, "没有代码为“{squadron}”的中队辖区。请从列表中选择，或先在“执法中队辖区”图层中登记。",
        "No squadron territory has the code “{squadron}”. Choose one of the list, or enter it in the layer "
        "“Squadron territories” first."),
    "last_admin": ProblemKind(
        409, "这是最后一个可用的管理员，不能停用或改变角色。",
        "This is the last active administrator; it can be neither disabled nor given another role."),
    "language_unknown": ProblemKind(
        422, "没有这种语言。可用：{known}。",
        "There is no such language. Use one of: {known}."),
    "password_too_short": ProblemKind(
        422, "密码至少要有 {least} 个字符。", "A password has at least {least} characters."),
    "password_too_long": ProblemKind(
        422, "密码最多 {most} 个字符。", "A password has at most {most} characters."),
    "password_like_name": ProblemKind(
        422, "密码不能与用户名相同或只多几个字符。",
        "The password may not be the user name, nor that and little more."),
    "password_common": ProblemKind(
        422, "这个密码太常见，容易被猜到。请换一个。",
        "This password is too common and easily guessed. Choose another."),
    "password_unchanged": ProblemKind(
        422, "新密码不能与当前密码相同。", "The new password must differ from the old one."),
    "password_differs": ProblemKind(
        422, "两次输入的新密码不一致。", "The two new passwords are not the same."),
    "password_wrong": ProblemKind(422, "当前密码不正确。", "The present password is wrong."),
    "token_unknown": ProblemKind(
        404, "没有这个令牌，或已吊销。",
        "There is no such token, or it is revoked already."),
    "token_name_invalid": ProblemKind(
        422, "请给令牌起一个名称，最多 {most} 个字符。",
        "Give the token a name of at most {most} characters."),
    "token_days_invalid": ProblemKind(
        422, "有效期为 1 至 {most} 天。", "A token is valid for 1 to {most} days."),
    "token_too_many": ProblemKind(
        422, "最多 {most} 个令牌。请先吊销不用的。", "At most {most} tokens; revoke those no longer used."),
}
