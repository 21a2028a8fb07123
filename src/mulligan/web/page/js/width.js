import { useLayoutEffect, useRef, useState } from "../vendor/htm-preact-standalone-3.1.1.js";

/** Pixels of a letter of a drawing's labels, rather too many than too few. */
export const LETTER = 6.4;

/** A box and how wide it is on the screen, so that a drawing can keep its letters at their size. */
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
