// The service worker of a site: keeps what was loaded, so that the lab opens without a network. Python's files have a
// version in their address, so a kept one is as good as a new one; of the site's own, the network's come first.

const KEPT = `mulligan${location.search}`; // the version

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== KEPT && name.startsWith("mulligan")) await caches.delete(name);
  await clients.claim();
})()));

async function fetched(request) {
  const answer = await fetch(request);
  if (answer.ok) await (await caches.open(KEPT)).put(request, answer.clone());
  return answer;
}

/** What the page loaded before this worker was there, and what it may need later. */
self.addEventListener("message", (event) => event.waitUntil(Promise.all(event.data.map((address) => fetched(new Request(address)).catch(() => {})))));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const still = !request.url.startsWith(registration.scope) || request.url.includes("/pyodide/");
  event.respondWith((async () => {
    const kept = await caches.match(request, { ignoreSearch: true });
    if (still && kept) return kept;
    return fetched(request).catch((error) => kept ?? Promise.reject(error));
  })());
});
