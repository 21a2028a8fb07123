import { useLayoutEffect, useRef, useState } from "./html.js";

/** Pixels for a letter of a drawing's labels, at least. */
export const LETTER = 7.2;

/** A box and its width on the screen, so that a drawing can keep the size of its letters. */
export function useWidth(before = 0) {
  const box = useRef(null);
  const [width, setWidth] = useState(before);
  useLayoutEffect(() => {
    const measure = () => setWidth(box.current?.clientWidth || before);
    const watch = new ResizeObserver(measure);
    watch.observe(box.current);
    measure();
    return () => watch.disconnect();
  }, []);
  return [box, width];
}
