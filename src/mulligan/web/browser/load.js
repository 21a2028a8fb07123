// Opens the page of a site. One file has all modules and styles of the playground's page, in one request.
(async () => {
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
