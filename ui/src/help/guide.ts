// The user guide as values: the small part of Markdown in which docs/user-guide*.md is written.

import type { Language } from '../backend/backend';
import english from '../../../docs/user-guide.md?raw';
import chinese from '../../../docs/user-guide.zh-CN.md?raw';

export interface Run {
  text: string;
  style: 'plain' | 'strong' | 'emphasis';
}

export type Block =
  | { kind: 'heading'; runs: Run[] }
  | { kind: 'paragraph'; runs: Run[] }
  /** The first row is the head. */
  | { kind: 'table'; rows: Run[][][] };

export const guide = (language: Language): Block[] => parse(language === 'zh-CN' ? chinese : english);

/** Blocks are separated by empty lines. A line break inside a paragraph is a space, except after a Chinese character. */
export function parse(text: string): Block[] {
  return text
    .split(/\r?\n\s*\r?\n/)
    .map((block) => block.trim())
    .filter(Boolean)
    .map((block) => {
      if (block.startsWith('|')) {
        const rows = block.split(/\r?\n/).filter((line) => !/^[|\s:-]+$/.test(line));
        return {
          kind: 'table',
          rows: rows.map((row) =>
            row
              .split('|')
              .slice(1, -1)
              .map((cell) => runs(cell.trim())),
          ),
        };
      }
      const line = block.replace(/(\p{Script=Han}|[，。；、：！？”])\r?\n/gu, '$1').replace(/\r?\n/g, ' ');
      return line.startsWith('# ')
        ? { kind: 'heading', runs: runs(line.slice(2)) }
        : { kind: 'paragraph', runs: runs(line) };
    });
}

function runs(text: string): Run[] {
  return text
    .split(/(\*\*[^*]+\*\*|\*[^*]+\*)/)
    .filter(Boolean)
    .map((part) => {
      if (part.startsWith('**')) return { text: part.slice(2, -2), style: 'strong' };
      if (part.startsWith('*')) return { text: part.slice(1, -1), style: 'emphasis' };
      return { text: part, style: 'plain' };
    });
}
