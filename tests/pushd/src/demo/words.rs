//! What the demo's messages say, in the language of the person who caused them: `"language": "en" |
//! "zh-CN"`.
//!
//! A real sender writes in its company's language; the demo has two, so that Belfry can be seen in
//! either.

use serde::Deserialize;

/// Title and content of a message.
pub(super) type Words = (String, String);

/// What somebody asks to be paid for.
pub(super) struct Claim {
    /// The login of the person who asks.
    pub(super) by: String,
    pub(super) what: String,
    pub(super) amount: String,
}

#[derive(Clone, Copy, Default, Deserialize)]
pub(super) enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "zh-CN")]
    Chinese,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    Rejected,
}

use Language::{Chinese, English};
use Verdict::{Approved, Rejected};

impl Verdict {
    /// The id of the button, and the last part of its address.
    pub(super) fn action(self) -> &'static str {
        match self {
            Approved => "approve",
            Rejected => "reject",
        }
    }
}

impl Language {
    pub(super) fn request(self, Claim { by, what, amount }: &Claim) -> Words {
        let name = self.name(by);
        match self {
            English => (format!("Approval needed: {what}"), format!("{name} asks for {amount} for {what}.")),
            Chinese => (format!("待审批：{what}"), format!("{name}申请报销“{what}”，金额 {amount}。")),
        }
    }

    /// What the buttons to approve and to reject say, and what is asked before the latter is done.
    pub(super) fn buttons(self, Claim { by, what, .. }: &Claim) -> (&'static str, &'static str, String) {
        let name = self.name(by);
        match self {
            English => ("Approve", "Reject", format!("Reject {what} of {name}?")),
            Chinese => ("同意", "驳回", format!("确定驳回{name}的“{what}”吗？")),
        }
    }

    /// What takes the request back.
    pub(super) fn decided(self, verdict: Verdict, approver: &str, Claim { by, what, amount }: &Claim) -> Words {
        let (who, name) = (self.name(approver), self.name(by));
        let said = match (self, verdict) {
            (English, Approved) => "Approved",
            (English, Rejected) => "Rejected",
            (Chinese, Approved) => "已同意",
            (Chinese, Rejected) => "已驳回",
        };
        match self {
            English => {
                (format!("{said}: {what}"), format!("{said} by {who}: {amount} for {what}, asked for by {name}."))
            }
            Chinese => (format!("{said}：{what}"), format!("{who}{said}{name}的报销“{what}”，金额 {amount}。")),
        }
    }

    /// What the person who filed it is told in the end.
    pub(super) fn outcome(self, verdict: Verdict, approver: &str, Claim { what, amount, .. }: &Claim) -> Words {
        let who = self.name(approver);
        match (self, verdict) {
            (English, Approved) => {
                (format!("Paid: {what}"), format!("{amount} for {what} is on its way to your account."))
            }
            (English, Rejected) => (format!("Rejected: {what}"), format!("{who} has rejected {amount} for {what}.")),
            (Chinese, Approved) => (format!("已付款：{what}"), format!("“{what}”的报销款 {amount} 已汇出。")),
            (Chinese, Rejected) => (format!("已驳回：{what}"), format!("{who}驳回了“{what}”的报销，金额 {amount}。")),
        }
    }

    pub(super) fn payment(self) -> Words {
        self.pick(
            ("Payment received", "Invoice 2026-1042 was paid: 12,800.00 EUR from Northwind."),
            ("收款到账", "发票 2026-1042 已付款：北风贸易，12,800.00 元。"),
        )
    }

    pub(super) fn task(self) -> Words {
        self.pick(
            ("Export finished", "orders-2026.csv is ready: 48,210 rows in 3 min 12 s."),
            ("导出完成", "orders-2026.csv 已生成：48,210 行，用时 3 分 12 秒。"),
        )
    }

    pub(super) fn report(self) -> Words {
        self.pick(
            ("Weekly report", "Revenue +4.2 %, 3 open incidents, 12 new customers. The full report is in the archive."),
            ("每周报告", "收入增长 4.2%，未结事件 3 起，新增客户 12 家。完整报告已归档。"),
        )
    }

    fn pick(self, english: (&str, &str), chinese: (&str, &str)) -> Words {
        let (title, content) = match self {
            English => english,
            Chinese => chinese,
        };
        (title.to_owned(), content.to_owned())
    }

    /// The demo's people by their role; logins are English everywhere.
    fn name(self, login: &str) -> &str {
        match (self, login) {
            (Chinese, "employee") => "员工",
            (Chinese, "supervisor") => "主管",
            (Chinese, "manager") => "经理",
            (Chinese, "finance") => "财务",
            (English | Chinese, login) => login,
        }
    }
}
