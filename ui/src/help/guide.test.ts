import { expect, test } from 'vitest';

import { guide, parse } from './guide';

test('blocks, bold and emphasised text and tables are understood', () => {
  expect(parse('# A *b*\n\nOne **two.** three\nfour\n\n| a | b |\n|---|---|\n| c | d *e* |\n')).toEqual([
    {
      kind: 'heading',
      runs: [
        { text: 'A ', style: 'plain' },
        { text: 'b', style: 'emphasis' },
      ],
    },
    {
      kind: 'paragraph',
      runs: [
        { text: 'One ', style: 'plain' },
        { text: 'two.', style: 'strong' },
        { text: ' three four', style: 'plain' },
      ],
    },
    {
      kind: 'table',
      rows: [
        [[{ text: 'a', style: 'plain' }], [{ text: 'b', style: 'plain' }]],
        [
          [{ text: 'c', style: 'plain' }],
          [
            { text: 'd ', style: 'plain' },
            { text: 'e', style: 'emphasis' },
          ],
        ],
      ],
    },
  ]);
});

test('a line break between Chinese characters is no space', () => {
  expect(parse('单击图标，\n查看收件箱。\n然后')).toEqual([
    { kind: 'paragraph', runs: [{ text: '单击图标，查看收件箱。然后', style: 'plain' }] },
  ]);
});

test('the guide of each language is shown without marks of Markdown, and both have the same parts', () => {
  const [english, chinese] = (['en', 'zh-CN'] as const).map(guide);
  expect(english?.map(({ kind }) => kind)).toEqual(chinese?.map(({ kind }) => kind));
  expect(english?.[0]?.kind).toBe('heading');
  for (const block of [...(english ?? []), ...(chinese ?? [])]) {
    const all = block.kind === 'table' ? block.rows.flat(2) : block.runs;
    for (const { text } of all) expect(text).not.toMatch(/[*|`#[\]]/);
  }
});
