// The content of the fake notices: everyday ones in both languages, and hostile ones.

import type { Action, Alert, Detail, Language } from '../backend';

export type Sample = Pick<Detail, 'title' | 'body' | 'kind' | 'sender'> &
  Partial<Pick<Detail, 'id' | 'priority' | 'state' | 'link' | 'fields'>> & {
    actions?: Omit<Action, 'key'>[];
    alert?: Alert;
  };

export type Samples = [Sample, ...Sample[]];

const call = (action: string): NonNullable<Action['call']> => {
  return { method: 'POST', host: 'https://push.example.com', path: `/approvals/4711/${action}` };
};

const decide = (approve: string, reject: string, question: string): Omit<Action, 'key'>[] => [
  { id: 'approve', label: approve, confirm: false, question: '', call: call('approve'), opens: false },
  { id: 'reject', label: reject, confirm: true, question, call: call('reject'), opens: false },
];

export const samples: Record<Language, Samples> = {
  'en': [
    {
      title: 'Expense report 4711 waits for you',
      body: 'Maria Keller handed in travel expenses of 1,284.50 EUR for the Lyon visit.\n\nPlease approve or reject by Friday.',
      kind: 'approval',
      sender: 'Expenses',
      priority: 'high',
      link: 'https://push.example.com/expenses/4711',
      actions: decide('Approve', 'Reject', 'Really reject it?'),
      fields: [
        { name: 'costCentre', value: '4200' },
        { name: 'amount', value: '1284.50' },
        { name: 'currency', value: 'EUR' },
      ],
    },
    {
      title: 'Payment of invoice 2026-0917 went through',
      body: '12,400.00 EUR to Nordwind Logistik GmbH, value date today.',
      kind: 'payment',
      sender: 'Treasury',
    },
    {
      title: 'Nightly import finished',
      body:
        '48,112 rows in 6 min 12 s. Three rows were set aside:\n\nline 1,204: unknown cost centre ' +
        '9917\nline 1,205: unknown cost centre 9917\nline 30,881: amount is empty',
      kind: 'task',
      sender: 'Background tasks',
      alert: { mark: 'suppressed', why: 'quiet-hours' },
    },
    {
      title: 'Quarterly report is ready',
      body: 'The report for Q3 was distributed to 214 people.',
      kind: 'report',
      sender: 'Reporting',
      link: 'https://push.example.com/reports/q3',
      alert: { mark: 'suppressed', why: 'muted' },
    },
    {
      title: 'Expense report 4698 was approved',
      body: 'Your manager approved 310.00 EUR. It will be paid with the next run.',
      kind: 'approval',
      sender: 'Expenses',
      state: 'decided',
      alert: { mark: 'suppressed', why: 'not-open' },
    },
    {
      title: 'Production line 2 stopped',
      body: 'Emergency stop at station 7. Shift lead was called.',
      kind: 'alarm',
      sender: 'Plant',
      priority: 'urgent',
    },
    {
      title: 'Contract 88-2 withdrawn',
      body: 'The sender took this request back.',
      kind: 'approval',
      sender: 'Purchasing',
      state: 'withdrawn',
      alert: { mark: 'refused', why: 'no answer within 10 s' },
    },
    {
      title: 'Your password expires in 5 days',
      body: 'Change it in the self-service portal.',
      kind: 'account',
      sender: 'IT',
      priority: 'low',
      state: 'expired',
      alert: { mark: 'uncertain' },
    },
  ],
  'zh-CN': [
    {
      title: '报销单 4711 待您审批',
      body: '王敏提交了上海出差报销，共 1,284.50 元。\n\n请在周五前批准或驳回。',
      kind: '审批',
      sender: '费用系统',
      priority: 'high',
      link: 'https://push.example.com/expenses/4711',
      actions: decide('批准', '驳回', '确定不同意？'),
      fields: [
        { name: 'costCentre', value: '4200' },
        { name: 'amount', value: '1284.50' },
        { name: 'currency', value: 'CNY' },
      ],
    },
    {
      title: '发票 2026-0917 付款成功',
      body: '已向北风物流有限公司支付 12,400.00 元，今日起息。',
      kind: '付款',
      sender: '资金部',
    },
    {
      title: '夜间导入已完成',
      body:
        '共 48,112 行，用时 6 分 12 秒。三行被搁置：\n\n' +
        '第 1,204 行：未知成本中心 9917\n第 1,205 行：未知成本中心 9917\n第 30,881 行：金额为空',
      kind: '任务',
      sender: '后台任务',
      alert: { mark: 'suppressed', why: 'quiet-hours' },
    },
    {
      title: '季度报告已生成',
      body: '第三季度报告已分发给 214 人。',
      kind: '报告',
      sender: '报表中心',
      link: 'https://push.example.com/reports/q3',
      alert: { mark: 'suppressed', why: 'muted' },
    },
    {
      title: '报销单 4698 已批准',
      body: '您的经理已批准 310.00 元，将随下一批支付。',
      kind: '审批',
      sender: '费用系统',
      state: 'decided',
      alert: { mark: 'suppressed', why: 'not-open' },
    },
    {
      title: '二号生产线停机',
      body: '七号工位急停，已通知值班班长。',
      kind: '告警',
      sender: '工厂',
      priority: 'urgent',
    },
    {
      title: '合同 88-2 已撤回',
      body: '发起人撤回了这项申请。',
      kind: '审批',
      sender: '采购部',
      state: 'withdrawn',
      alert: { mark: 'refused', why: 'no answer within 10 s' },
    },
    {
      title: '您的密码将在 5 天后过期',
      body: '请在自助门户中修改。',
      kind: '账户',
      sender: '信息部',
      priority: 'low',
      state: 'expired',
      alert: { mark: 'uncertain' },
    },
  ],
};

export const hostile: Samples = [
  {
    title: '<img src=x onerror="document.title=\'broken\'"> <script>document.title="broken"</script>',
    body:
      '<b>bold?</b> {@html "x"} ${1+1} {{1+1}}\n' +
      '<style>*{display:none}</style><iframe src="file:///etc/passwd"></iframe>',
    kind: '<kind>',
    sender: '"><svg onload=alert(1)>',
    link: 'javascript:alert(1)',
  },
  {
    title: 'A'.repeat(4000),
    body: 'word '.repeat(200_000) + 'W'.repeat(50_000),
    kind: 'k'.repeat(300),
    sender: 's'.repeat(300),
  },
  {
    title: 'invoice\u202Efdp.exe \u2066\u200F',
    body: 'שלום עולם, مرحبا, ' + '👩‍💻🏴󠁧󠁢󠁳󠁣󠁴󠁿, Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞\u0000\u0007 end',
    kind: '',
    sender: '',
    link: 'file:///etc/passwd',
  },
  {
    title: 'مرحبا بالعالم، فاتورة جديدة',
    body: 'يرجى الموافقة على الفاتورة رقم 4711 قبل يوم الجمعة.\nשורה שנייה בעברית עם 123 ו-abc',
    kind: 'موافقة',
    sender: 'المحاسبة',
    actions: [{ id: 'x', label: '<b>موافق</b>', confirm: true, question: '', call: null, opens: true }],
    fields: [
      { name: '__proto__', value: '{"a":1}' },
      { name: '<i>name</i>', value: '</dd><script>document.title="broken"</script>' },
    ],
  },
  { title: '\n\n  ', body: '', kind: '', sender: '', link: 'https://a@b:99999/' },
];
