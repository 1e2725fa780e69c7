// Which rows of a long list are in the document: those in sight and some around them. All rows have one height, so
// where a row lies is arithmetic, and a list of a million costs no more than one of fifty.
import { useLayoutEffect, useReducer, useRef } from "preact/hooks";

const OVERSCAN = 8;

export interface FixedRows {
  /** From the first up to, without, the last. */
  first: number;
  last: number;
  /** Scrolls as little as brings the row into sight. */
  show(index: number): void;
}

/** First and last of the rows to draw. */
export function rowsInSight(top: number, room: number, height: number, count: number, overscan = OVERSCAN): [first: number, last: number] {
  const first = Math.max(0, Math.min(Math.floor(top / height), count - Math.ceil(room / height)) - overscan);
  return [first, Math.min(count, Math.ceil((top + room) / height) + overscan, first + Math.ceil(room / height) + 1 + 2 * overscan)];
}

export function useFixedRows(scroller: { current: HTMLElement | null }, count: number, height: number): FixedRows {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  // The first paint is of the first rows, so that it comes soon; the rest of what is in sight, and what is around it,
  // follow in the next one.
  const sight = useRef({ top: 0, room: innerHeight * 0.35, first: 0, last: 0, around: 0, painted: false });
  const at = sight.current;
  [at.first, at.last] = rowsInSight(at.top, at.room, height, count, at.around);
  const latest = useRef({ count, height });
  latest.current = { count, height };

  useLayoutEffect(() => {
    const element = scroller.current!;
    const look = () => {
      if (!at.painted) return;
      const { count: n, height: h } = latest.current;
      at.top = element.scrollTop;
      at.room = element.clientHeight || innerHeight;
      const [first, last] = rowsInSight(at.top, at.room, h, n, 0);
      if (first < at.first || last > at.last || at.last - at.first > 3 * (last - first + OVERSCAN)) redraw(0);
    };
    const frame = requestAnimationFrame(() => setTimeout(() => {
      Object.assign(at, { painted: true, around: OVERSCAN });
      look();
      redraw(0);
    }));
    element.addEventListener("scroll", look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener("scroll", look);
      observer.disconnect();
    };
  }, []);
  const show = (index: number) => {
    const element = scroller.current;
    if (!element) return;
    const top = index * height;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height > element.scrollTop + element.clientHeight) element.scrollTop = top + height - element.clientHeight;
  };
  return { first: at.first, last: at.last, show };
}
