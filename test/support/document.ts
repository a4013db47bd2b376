import type { oas31 } from 'zod-openapi'
import { readsOf } from '../../api/http/resource-reads.ts'
import { describeApi } from '../../api/openapi/document.ts'
import type { Examples } from '../../api/openapi/examples.ts'
import { resources } from '../../api/resources.ts'
import { routes } from '../../api/routes.ts'

/** The address that committed documents and examples speak of. */
export const documentedAt = 'http://localhost:3000'

/** The document of the whole API, or of one whose version 2 lists are switched off. */
export function documentOf(
  isCursorPaginationEnabled = true,
  examples?: Examples,
): oas31.OpenAPIObject {
  const reads = resources.flatMap((resource) => readsOf(resource, isCursorPaginationEnabled))
  const more = { baseUrl: documentedAt, ...(examples && { examples }) }
  return JSON.parse(JSON.stringify(describeApi({ reads, routes, ...more })))
}
