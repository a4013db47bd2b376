import type { IncomingMessage, ServerResponse } from 'node:http'

/** Says what listens here. The console takes its place. */
export function frontPage(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page)
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tidegate admin</title>
<h1>Tidegate admin</h1>
<p>This is the operators' process. It serves tRPC under <code>/trpc</code> to holders of an admin token
(<code>Authorization: Bearer tg_at_…</code>): <code>health.summary</code>, <code>cache.stats</code>, <code>jobs.queues</code>,
<code>fx.rates</code>, <code>flags.list</code>, <code>audit.list</code> and more; README.md has the list and a typed client.</p>
<p>Its own health is at <a href="/health">/health</a>.</p>
</html>
`
