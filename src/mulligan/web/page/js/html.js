// What views are written in: Preact, its hooks, and htm for templates without a build step.

import htm from "../vendor/htm-3.1.1.js";
import { h } from "../vendor/preact-11.2.0.js";

export const html = htm.bind(h);
export { render } from "../vendor/preact-11.2.0.js";
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-hooks-11.2.0.js";
