//! 审计: who did what that has to be answered for later. The trail is one chain for the whole installation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::flow::AccountId;
use crate::model::District;

crate::flow::words! {
    /// What is written into the audit trail.
    AuditKind {
        /// 登录
        SignIn = "sign_in", "登录", "signed in";
        /// 登录失败
        SignInFailed = "sign_in_failed", "登录失败", "failed to sign in";
        /// 登录锁定: further tries are refused for a while.
        SignInLocked = "sign_in_locked", "登录锁定", "locked after failures";
        /// 退出登录
        SignOut = "sign_out", "退出登录", "signed out";
        /// 修改密码
        PasswordChange = "password_change", "修改密码", "password changed";
        /// 动态验证码变更: a second factor or its recovery codes.
        FactorChange = "factor_change", "动态验证码变更", "second factor changed";
        /// 账号变更: an account or a key for another system was added or ended.
        AccountChange = "account_change", "账号变更", "account changed";
        /// 岗位变更: posts were given, taken, or lent to a substitute.
        RoleChange = "role_change", "岗位变更", "posts changed";
        /// 规则变更: rules, duties or the calendar.
        RuleChange = "rule_change", "规则变更", "rules changed";
        /// 导入
        Import = "import", "导入", "imported";
        /// 查看个人信息: personal data was shown in clear.
        Reveal = "reveal", "查看个人信息", "personal data shown";
        /// 限制上报: a reporter was restricted, appealed, or that was decided about.
        Restriction = "restriction", "限制上报", "reporter restricted";
        /// 导出
        Export = "export", "导出", "exported";
        /// 改判: a decision over what others or the rules had said.
        Override = "override", "改判", "overridden";
        /// 注销: a resident asked for the own data to be erased.
        Erasure = "erasure", "个人信息删除", "personal data erased";
        /// 匿名化: personal data of an old ticket was removed.
        Anonymise = "anonymise", "匿名化", "anonymised";
        /// 密钥轮换
        KeyRotation = "key_rotation", "密钥轮换", "keys rotated";
        /// 到期清理: what was kept for its term only was let go.
        Retention = "retention", "到期清理", "let go after its term";
    }
}

/// One line of the trail. Its JSON text is what is stored and what is hashed, so it holds no personal data: where
/// somebody called from and the words of a reason are in [`Private`], of which only the digest is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Counts from 1 within the installation, without gaps.
    pub seq: i64,
    /// When, milliseconds since the epoch; never before the line before.
    pub at: i64,
    /// Of which district; 0 where there is none yet.
    pub district: District,
    /// What was done.
    pub kind: AuditKind,
    /// Who; none for the operator at the command line, the server itself, and callers who are not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<AccountId>,
    /// On what, such as `ticket:1042`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// Facts by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub facts: BTreeMap<String, String>,
    /// The request, as in the log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// SHA-256 of the text of [`Private`], lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub private_sha256: Option<String>,
}

/// What a line says of persons. It is kept beside the line for its term and can be let go without breaking the chain;
/// the salt keeps the digest from telling anything afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    /// The address of the caller.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// The reason that was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
    /// 16 random bytes, hex.
    pub salt: String,
}

/// The digest by which a line names what is private of it.
pub fn private_digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

impl AuditLine {
    /// The text that is stored and hashed.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn content(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a stored text back.
    ///
    /// # Errors
    /// When the text is not a line of the trail.
    pub fn parse(content: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_as_it_was_written_and_leaves_out_what_it_has_not() {
        let line = AuditLine {
            seq: 1,
            at: 2,
            district: 350_203,
            kind: AuditKind::Reveal,
            account: Some(7),
            subject: Some("report:9".to_owned()),
            facts: BTreeMap::from([("role".to_owned(), "dispatcher".to_owned())]),
            request_id: None,
            private_sha256: Some(private_digest("{}")),
        };
        let content = line.content().unwrap();
        assert!(!content.contains("request_id"), "{content}");
        assert_eq!(AuditLine::parse(&content).unwrap(), line);
        assert!(AuditLine::parse("{}").is_err());
    }
}
