// The clipboard, which the desktop may deny to a window.

import { type DisplayError, toDisplayError } from '../errors';

/** Copies a text; returns the error, or null when the text was copied. */
export async function copyToClipboard(text: string): Promise<DisplayError | null> {
  try {
    await navigator.clipboard.writeText(text);
    return null;
  } catch (thrown) {
    return { code: 'clipboard', message: toDisplayError(thrown).message };
  }
}
