// Maps the pixels of a list of any height to the `scrollTop` of an element that a browser can lay out.
//
// Browsers limit an element to some ten million pixels; a million rows are higher. Above `maxElementHeight` the middle
// of the list is compressed in the element, and its two ends are not, so that both are reached exactly. A step of the
// wheel or a key always moves the list by its own distance; only dragging the thumb jumps. Pure: no DOM.

/** The tallest scrolled element, in pixels. */
const maxElementHeight = 6_000_000;
/** The length of each end that is not compressed, in pixels. */
const exactEnd = 2_000_000;
/** A scroll by more than this many view heights at once comes from dragging the thumb. */
const dragViews = 4;
/** How far the thumb may be off in the compressed middle, in pixels of the element. */
const maxThumbError = 20_000;

export interface ScrollMapping {
  /** Height of the scrolled element. */
  height: number;
  /** The `scrollTop` at which the list's pixel `top` is at the upper edge. */
  toScrollTop: (top: number) => number;
  /** The list's pixel at the upper edge after `scrollTop` changed from `from` to `to`. */
  topAfterScroll: (top: number, from: number, to: number) => number;
  /** Whether `scrollTop` no longer fits the list's pixel `top` and must be set. */
  needsCorrection: (top: number, scrollTop: number) => boolean;
}

export function scrollMapping(height: number, viewHeight: number): ScrollMapping {
  const last = Math.max(0, height - viewHeight);
  const within = (top: number) => Math.min(Math.max(top, 0), last);
  if (height <= maxElementHeight) {
    return {
      height,
      toScrollTop: within,
      topAfterScroll: (_top, _from, to) => within(to),
      needsCorrection: (top, scrollTop) => Math.abs(scrollTop - within(top)) >= 1,
    };
  }
  const lastScrollTop = maxElementHeight - viewHeight;
  const ratio = (last - 2 * exactEnd) / (lastScrollTop - 2 * exactEnd);
  const toScrollTop = (top: number) => {
    if (top <= exactEnd) return within(top);
    if (top >= last - exactEnd) return lastScrollTop - (last - within(top));
    return exactEnd + (top - exactEnd) / ratio;
  };
  const toTop = (scrollTop: number) => {
    if (scrollTop <= exactEnd) return within(scrollTop);
    if (scrollTop >= lastScrollTop - exactEnd) return within(last - (lastScrollTop - scrollTop));
    return exactEnd + (scrollTop - exactEnd) * ratio;
  };
  const isExact = (top: number) => top <= exactEnd || top >= last - exactEnd;
  return {
    height: maxElementHeight,
    toScrollTop,
    topAfterScroll(top, from, to) {
      if (Math.abs(to - from) > dragViews * viewHeight) return toTop(to);
      return isExact(top) && Math.abs(from - toScrollTop(top)) < 1 ? toTop(to) : within(top + to - from);
    },
    needsCorrection: (top, scrollTop) => Math.abs(scrollTop - toScrollTop(top)) >= (isExact(top) ? 1 : maxThumbError),
  };
}
