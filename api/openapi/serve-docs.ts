import { readFile } from 'node:fs/promises'
import type { Express, Request, Response } from 'express'
import { Problem } from '#platform/problem'
import { sendConditionally } from '../http/exchange.ts'
import { problems } from '../http/problems.ts'

// Swagger UI from its own package and from nowhere else. Addresses are relative, so that the page also works below a path
// that a proxy takes away.

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Tidegate API</title>
    <link rel="stylesheet" href="docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
  </head>
  <body>
    <div id="docs"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`

/** `validatorUrl: null` keeps the page from sending its address to a foreign service. */
const start = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  docExpansion: 'none',
  validatorUrl: null,
})
`

/** Swagger UI sets style attributes, and its style sheet holds its icons; scripts come from files of this server only. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const script = 'text/javascript; charset=utf-8'
const ofPackage: ReadonlyMap<string, string> = new Map([
  ['swagger-ui-bundle.js', script],
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['favicon-32x32.png', 'image/png'],
])

/** Serves `/docs`: the document as a page, with a form for each operation. */
export function serveDocs(app: Express): void {
  app.get('/docs', (_request, response) => {
    response.set({ 'Cache-Control': 'no-cache', 'Content-Security-Policy': policy })
    response.type('text/html; charset=utf-8').send(page)
  })
  app.get('/docs/:file', (request, response) => sendFile(request, response))
}

async function sendFile(request: Request<{ file: string }>, response: Response): Promise<void> {
  const { file } = request.params
  const found = file === 'start.js' ? { body: Buffer.from(start), type: script } : await open(file)
  response.set('Cache-Control', 'public, max-age=3600')
  sendConditionally(request, response, found)
}

/** @throws {Problem} http/route-unknown for whatever the page does not need */
async function open(name: string): Promise<{ body: Buffer; type: string }> {
  const type = ofPackage.get(name)
  if (type === undefined) {
    throw new Problem(problems.routeUnknown, 'The documentation has no file of this name.')
  }
  const besides = import.meta.resolve('swagger-ui-dist/swagger-ui.css')
  return { body: await readFile(new URL(name, besides)), type }
}
