import { useLayoutEffect, useRef, useState } from "./html.js";

export const LETTER = 7.2;

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
