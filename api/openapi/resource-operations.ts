import { z } from 'zod'
import { problems as readProblems } from '#platform/resource/problems'
import { problems } from '../http/problems.ts'
import type { ResourceRead } from '../http/resource-reads.ts'
import type { ItemSchemas } from './item-schemas.ts'
import { listName, plural } from './names.ts'
import type { Described, Success } from './operation.ts'
import { idOf, itemQuery, listQuery, offsetQuery } from './parameters.ts'
import {
  atRoute,
  known,
  readHeader,
  readHeaders,
  whatCallersMeet,
  whatReadsMeet,
} from './shared-parts.ts'

/** Where a page stands in its list. */
const page = z
  .object({
    limit: z.int().min(1),
    hasMore: z.boolean().meta({ description: 'In the direction that was asked for.' }),
    nextCursor: z.string().optional(),
    prevCursor: z.string().optional(),
    total: z.int().min(0).optional().meta({ description: 'When `count` asked for it.' }),
    isTotalEstimated: z.literal(true).optional(),
  })
  .meta({ id: 'Page' })

const pagination = z
  .object({
    page: z.int().min(1),
    limit: z.int().min(1),
    total: z.int().min(0),
    total_pages: z.int().min(0),
  })
  .meta({ id: 'PaginationV1' })

/** The four reads that a declared resource may have, each as one operation. */
export function describeResourceRead(read: ResourceRead, items: ItemSchemas): Described {
  const { resource, kind, method, path } = read
  const isList = kind === 'list' || kind === 'legacy-list'
  const isDeprecated = kind === 'legacy-list' || kind === 'legacy-item'
  const common = {
    method,
    path,
    access: { scope: resource.scope },
    isDeprecated,
    answers: [success(read, items), known],
  }
  const header = readHeader
  const selection = items.selectionOf(resource)
  const version = isDeprecated ? 'V1' : ''
  const refused = [
    ...whatCallersMeet,
    ...whatReadsMeet,
    ...atRoute,
    problems.scopeMissing,
    readProblems.invalidQuery,
  ]
  if (isList) {
    const parent = resource.parent?.resource()
    const query = kind === 'list' ? listQuery(resource, selection) : offsetQuery(resource)
    return {
      ...common,
      operationId: `list${listName(resource)}${version}`,
      summary: `List ${plural(resource.noun)}${parent ? ` of one ${parent.noun}` : ''}`,
      parameters: { ...(parent && { path: idOf(parent) }), query, header },
      problems: [
        ...refused,
        ...(kind === 'list' ? [readProblems.invalidCursor, problems.switchedOff] : []),
        ...(parent ? [readProblems.notFound] : []),
      ],
    }
  }
  return {
    ...common,
    operationId: `get${items.nameOf(resource)}${version}`,
    summary: `Read one ${resource.noun}`,
    parameters: { path: idOf(resource), query: itemQuery(selection), header },
    problems: [...refused, readProblems.notFound],
  }
}

function success({ resource, kind }: ResourceRead, { itemOf }: ItemSchemas): Success {
  const item = itemOf(resource)
  const data = z.array(item)
  const [description, schema] = {
    list: ['A page.', z.object({ data, page })] as const,
    'legacy-list': ['A page.', z.object({ data, pagination })] as const,
    item: ['The item.', z.object({ data: item })] as const,
    'legacy-item': ['The item.', z.object({ data: item })] as const,
  }[kind]
  return { status: 200, headers: readHeaders, description, schema }
}
