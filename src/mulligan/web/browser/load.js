// Opens the page of a site: one file has all modules and styles of the playground's page. Python comes at the same time.
(async () => {
  document.head.append(Object.assign(document.createElement("link"), { rel: "preload", as: "fetch", href: "forger.bin", crossOrigin: "" })); // what moves first
  const worker = new Worker("worker.mjs", { type: "module" });
  const early = []; // what it says before the page can hear it
  worker.onmessage = ({ data }) => early.push(data);
  worker.onerror = () => worker.onmessage({ data: { failed: "A file of this page did not come. Check the network and reload." } });
  const site = fetch(document.documentElement.dataset.lab).then((answer) => answer.json());
  site.then(({ runtime }) => worker.postMessage({ boot: new URL(runtime, location.href).href }), () => {}); // the page says why
  self.lab = { worker, early, site };

  const packed = (await fetch("page.bin")).body.pipeThrough(new DecompressionStream("deflate"));
  const files = Object.entries(await new Response(packed).json());
  for (const [, text] of files.filter(([name]) => name.endsWith(".css"))) {
    document.head.append(Object.assign(document.createElement("style"), { textContent: text }));
  }
  const address = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const imports = Object.fromEntries(files.filter(([name]) => name.endsWith(".js")).map(([name, text]) => [`page/${name}`, address(text)]));
  document.head.append(Object.assign(document.createElement("script"), { type: "importmap", textContent: JSON.stringify({ imports }) }));
  await import("page/main.js");
})();
