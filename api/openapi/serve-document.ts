import type { Express } from 'express'
import { sendConditionally } from '../http/exchange.ts'
import { describeApi, type Documented } from './document.ts'

/** Serves the document as `/openapi.json` and below `/api`. It is made when it is first asked for. */
export function serveDocument(app: Express, documented: Documented): void {
  let made: Buffer | undefined
  app.get(['/openapi.json', '/api/openapi.json'], (request, response) => {
    made ??= Buffer.from(JSON.stringify(describeApi(documented)))
    response.set('Cache-Control', 'no-cache')
    sendConditionally(request, response, { body: made, type: 'application/json; charset=utf-8' })
  })
}
