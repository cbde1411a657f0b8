// How a list of any height fits into a scroll bar.
//
// Browsers cut elements at some ten million pixels, a million rows are higher. Beyond a limit the middle of the list is
// compressed in the scroll bar; its two ends are not, so they are reached exactly. Steps of a wheel or a key move the
// list by what they say in any case; only dragging the thumb jumps.

const limit = 6_000_000;
const end = 2_000_000;
/** A scroll by more views than this at once is a jump of the thumb. */
const jump = 4;
/** How far the thumb may lag behind in the compressed middle, in pixels of the scroll bar. */
const lag = 20_000;

export interface Scale {
  /** Height of the scrolled element. */
  height: number;
  /** Where the scroll bar stands when the list's pixel `top` is at the upper edge. */
  toNative: (top: number) => number;
  /** The list's pixel at the upper edge after the scroll bar went from one place to another. */
  follow: (top: number, from: number, to: number) => number;
  /** Whether the scroll bar has to be put right. */
  isOff: (top: number, native: number) => boolean;
}

export function scaleOf(height: number, view: number): Scale {
  const last = Math.max(0, height - view);
  const within = (top: number) => Math.min(Math.max(top, 0), last);
  if (height <= limit) {
    return {
      height,
      toNative: within,
      follow: (_top, _from, to) => within(to),
      isOff: (top, native) => Math.abs(native - within(top)) >= 1,
    };
  }
  const lastNative = limit - view;
  const ratio = (last - 2 * end) / (lastNative - 2 * end);
  const toNative = (top: number) => {
    if (top <= end) return within(top);
    if (top >= last - end) return lastNative - (last - within(top));
    return end + (top - end) / ratio;
  };
  const toTop = (native: number) => {
    if (native <= end) return within(native);
    if (native >= lastNative - end) return within(last - (lastNative - native));
    return end + (native - end) * ratio;
  };
  const isExact = (top: number) => top <= end || top >= last - end;
  return {
    height: limit,
    toNative,
    follow(top, from, to) {
      if (Math.abs(to - from) > jump * view) return toTop(to);
      return isExact(top) && Math.abs(from - toNative(top)) < 1 ? toTop(to) : within(top + to - from);
    },
    isOff: (top, native) => Math.abs(native - toNative(top)) >= (isExact(top) ? 1 : lag),
  };
}
