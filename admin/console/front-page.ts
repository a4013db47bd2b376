import type { RequestHandler } from 'express'

/** Says what listens here. The console takes its place. */
export const frontPage: RequestHandler = (_request, response) => {
  response.type('html').send(page)
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tidegate admin</title>
<h1>Tidegate admin</h1>
<p>This is the operators' process. It serves tRPC under <code>/trpc</code> to holders of an admin token
(<code>Authorization: Bearer tg_at_…</code>): <code>health.summary</code>, <code>fx.rates</code> and <code>fx.fetchNow</code>.</p>
<p>Its own health is at <a href="/health">/health</a>.</p>
</html>
`
