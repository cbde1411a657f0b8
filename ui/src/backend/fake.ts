// A back end in the browser's memory, for working on the window and for its tests.
//
// `?scene=` picks what there is to see (see `scenes`), `?lang=` and `?theme=` how. It keeps the promises of the
// real one: pages by key, newest first, and an update after every change.

import type { Backend, Connectivity, Detail, Language, Page, Problem, Row, Status, Theme, Update } from './backend';

const scenes = ['live', 'many', 'empty', 'offline', 'connecting', 'catching-up', 'polling', 'action-needed', 'broken', 'hostile'] as const;
export type Scene = (typeof scenes)[number];

export interface FakeOptions {
  scene?: Scene;
  language?: Language;
  theme?: Theme;
  /** The notice that a click on a notification opened the window for. */
  open?: number | null;
  /** Milliseconds between two new notices in the live scene; 0 for none. */
  every?: number;
}

export function optionsFromAddress(search: string): FakeOptions {
  const parameters = new URLSearchParams(search);
  return {
    scene: scenes.find((scene) => scene === parameters.get('scene')) ?? 'live',
    language: parameters.get('lang') === 'zh-CN' ? 'zh-CN' : 'en',
    theme: (['light', 'dark'] as const).find((theme) => theme === parameters.get('theme')) ?? 'system',
    open: parameters.has('open') ? Number(parameters.get('open')) : null,
    every: Number(parameters.get('every') ?? 8000),
  };
}

type Sample = Pick<Detail, 'title' | 'body' | 'kind' | 'sender'> & Partial<Pick<Detail, 'priority' | 'state' | 'link'>>;

const samples: Record<Language, [Sample, ...Sample[]]> = {
  en: [
    { title: 'Expense report 4711 waits for you', body: 'Maria Keller handed in travel expenses of 1,284.50 EUR for the Lyon visit.\n\nPlease approve or reject by Friday.', kind: 'approval', sender: 'Expenses', priority: 'high', link: 'https://push.example.com/expenses/4711' },
    { title: 'Payment of invoice 2026-0917 went through', body: '12,400.00 EUR to Nordwind Logistik GmbH, value date today.', kind: 'payment', sender: 'Treasury' },
    { title: 'Nightly import finished', body: '48,112 rows in 6 min 12 s. Three rows were set aside:\n\nline 1,204: unknown cost centre 9917\nline 1,205: unknown cost centre 9917\nline 30,881: amount is empty', kind: 'task', sender: 'Background tasks' },
    { title: 'Quarterly report is ready', body: 'The report for Q3 was distributed to 214 people.', kind: 'report', sender: 'Reporting', link: 'https://push.example.com/reports/q3' },
    { title: 'Expense report 4698 was approved', body: 'Your manager approved 310.00 EUR. It will be paid with the next run.', kind: 'approval', sender: 'Expenses', state: 'decided' },
    { title: 'Production line 2 stopped', body: 'Emergency stop at station 7. Shift lead was called.', kind: 'alarm', sender: 'Plant', priority: 'urgent' },
    { title: 'Contract 88-2 withdrawn', body: 'The sender took this request back.', kind: 'approval', sender: 'Purchasing', state: 'withdrawn' },
    { title: 'Your password expires in 5 days', body: 'Change it in the self-service portal.', kind: 'account', sender: 'IT', priority: 'low', state: 'expired' },
  ],
  'zh-CN': [
    { title: '报销单 4711 待您审批', body: '王敏提交了上海出差报销，共 1,284.50 元。\n\n请在周五前批准或驳回。', kind: '审批', sender: '费用系统', priority: 'high', link: 'https://push.example.com/expenses/4711' },
    { title: '发票 2026-0917 付款成功', body: '已向北风物流有限公司支付 12,400.00 元，今日起息。', kind: '付款', sender: '资金部' },
    { title: '夜间导入已完成', body: '共 48,112 行，用时 6 分 12 秒。三行被搁置：\n\n第 1,204 行：未知成本中心 9917', kind: '任务', sender: '后台任务' },
    { title: '季度报告已生成', body: '第三季度报告已分发给 214 人。', kind: '报告', sender: '报表中心', link: 'https://push.example.com/reports/q3' },
    { title: '报销单 4698 已批准', body: '您的经理已批准 310.00 元，将随下一批支付。', kind: '审批', sender: '费用系统', state: 'decided' },
    { title: '二号生产线停机', body: '七号工位急停，已通知值班班长。', kind: '告警', sender: '工厂', priority: 'urgent' },
    { title: '合同 88-2 已撤回', body: '发起人撤回了这项申请。', kind: '审批', sender: '采购部', state: 'withdrawn' },
    { title: '您的密码将在 5 天后过期', body: '请在自助门户中修改。', kind: '账户', sender: '信息部', priority: 'low', state: 'expired' },
  ],
};

const hostile: [Sample, ...Sample[]] = [
  { title: '<img src=x onerror="document.title=\'broken\'"> <script>document.title="broken"</script>', body: '<b>bold?</b> {@html "x"} ${1+1} {{1+1}}\n<style>*{display:none}</style><iframe src="file:///etc/passwd"></iframe>', kind: '<kind>', sender: '"><svg onload=alert(1)>', link: 'javascript:alert(1)' },
  { title: 'A'.repeat(4000), body: 'word '.repeat(40_000) + 'W'.repeat(20_000), kind: 'k'.repeat(300), sender: 's'.repeat(300) },
  { title: 'invoice\u202Efdp.exe \u2066\u200F', body: 'שלום עולם, مرحبا, 👩‍💻🏴󠁧󠁢󠁳󠁣󠁴󠁿, Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞\u0000\u0007 end', kind: '', sender: '', link: 'file:///etc/passwd' },
  { title: '\n\n  ', body: '', kind: '', sender: '', link: 'https://a@b:99999/' },
];

const minute = 60_000;

/** A back end with its own notices. */
export function fake({ scene = 'live', language = 'en', theme = 'system', open = null, every = 0 }: FakeOptions = {}): Backend {
  const texts = scene === 'hostile' ? hostile : samples[language];
  const count = { live: 60, many: 20_000, empty: 0, hostile: 12 }[scene as string] ?? 24;
  const heard = new Set<(update: Update) => void>();
  const notices = new Map<number, Detail>();
  let newest = 0;

  function add(at: number, read: boolean) {
    newest += 1;
    const sample = texts[newest % texts.length] ?? texts[0];
    const time = new Date(at).toISOString();
    notices.set(newest, {
      seq: newest, read, priority: 'normal', state: 'open', link: '', source: newest % 9 ? 'live' : 'collected',
      sentAt: time, receivedAt: time, fields: [{ name: 'costCentre', value: '4200' }, { name: 'region', value: 'EMEA' }],
      ...sample,
    });
  }
  for (let left = count; left > 0; left -= 1) add(Date.now() - left * left * 0.7 * minute, left > 7);

  const status: Status = statusOf(scene);
  const say = (update: Update) => { for (const tell of heard) tell(update); };
  const changed = () => { say({ type: 'inbox' }); };
  if (scene === 'live' && every > 0) {
    setInterval(() => { add(Date.now(), false); changed(); }, every);
  }

  function found(seq: number): Detail {
    const notice = notices.get(seq);
    if (!notice) throw problem('gone', 'this notice is no longer in the inbox');
    return notice;
  }

  return {
    listen(tell) {
      heard.add(tell);
      return Promise.resolve(() => heard.delete(tell));
    },
    start: () => Promise.resolve({ language, theme, account: 'alice@push.example.com', status, open }),
    page(before, limit) {
      if (scene === 'broken') return Promise.reject(problem('store', 'the inbox file belfry.db is damaged (database disk image is malformed); quit Belfry and restore the file from a backup'));
      const rows: Row[] = [];
      let seq = (before ?? newest + 1) - 1;
      for (; seq > 0 && rows.length < limit; seq -= 1) {
        const notice = notices.get(seq);
        if (notice) rows.push(rowOf(notice));
      }
      const unread = [...notices.values()].filter((notice) => !notice.read).length;
      return Promise.resolve<Page>({ rows, next: seq > 0 ? seq + 1 : null, unread });
    },
    notice(seq) {
      const notice = notices.get(seq);
      return Promise.resolve(notice ? { ...notice, title: line(notice.title), sender: line(notice.sender) } : null);
    },
    setRead(seqs, read) {
      for (const seq of seqs) notices.set(seq, { ...found(seq), read });
      changed();
      return Promise.resolve();
    },
    remove(seqs) {
      for (const seq of seqs) notices.delete(seq);
      changed();
      return Promise.resolve();
    },
    openLink(seq) {
      const { link } = found(seq);
      return Promise.reject(problem('link-refused', `Belfry does not open ${link}: its host is not in app.allowed_link_hosts`));
    },
    tryNow() {
      Object.assign(status, { state: 'connecting', retryInMs: null, since: new Date().toISOString() });
      say({ type: 'status', status: { ...status } });
      return Promise.resolve();
    },
  };
}

function statusOf(scene: Scene): Status {
  const states: readonly Connectivity[] = ['offline', 'connecting', 'catching-up', 'polling', 'action-needed'];
  const state = states.find((name) => name === scene) ?? 'live';
  const about = {
    'offline': { reason: 'the server cannot be reached: connection refused', remedy: '', retryInMs: 14_000 },
    'action-needed': { reason: 'the server refused the sign-in: bad CONNECT', remedy: 'sign in again with a valid token', retryInMs: null },
    'polling': { reason: 'the proxy does not let WebSocket through', remedy: '', retryInMs: 240_000 },
  }[state as string] ?? { reason: '', remedy: '', retryInMs: null };
  return { state, since: new Date(Date.now() - 47 * minute).toISOString(), endpoint: 'push.example.com/ws', ...about };
}

function rowOf({ seq, title, body, kind, sender, sentAt, receivedAt, read, state, priority }: Detail): Row {
  return { seq, title: line(title), preview: line(body), kind: line(kind), sender: line(sender), at: sentAt ?? receivedAt, read, state, priority };
}

/** As the app sends it: one short line without control and bidirectional characters. */
function line(text: string): string {
  return text.slice(0, 200).replaceAll(/\s+/g, ' ').replaceAll(/[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '').trim();
}

function problem(code: Problem['code'], message: string): Problem & Error {
  return Object.assign(new Error(message), { code });
}

