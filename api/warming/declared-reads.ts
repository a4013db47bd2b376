import type { ActiveOrganisation } from '#members'
import type { NamedRead } from '#platform/cache/remote-question'
import type { Resource } from '#platform/resource/define-resource'
import { parseListQuery } from '#platform/resource/list-query'
import { addressOf } from '../http/define-read.ts'
import { resources } from '../resources.ts'
import { routes } from '../routes.ts'
import type { ApiSlice } from '../slice.ts'

/** What the resources and routes declare as warm, for these organisations: first what all see, then rates and first pages of
 *  every organisation, then the items at the top of lists. */
export async function* declaredReads(
  slice: ApiSlice,
  organisations: readonly ActiveOrganisation[],
): AsyncIterable<NamedRead> {
  const lists = resources.filter(({ warm }) => warm.list)
  yield* lists
    .filter(({ visibility }) => visibility === 'public')
    .map(({ name }) => ({ url: `/api/v2/${name}` }))
  for (const organisation of organisations) {
    const { organisationId } = organisation
    yield* rateReads(organisation)
    yield* lists
      .filter(({ visibility }) => visibility !== 'public')
      .map(({ name }) => ({ url: `/api/v2/${name}`, organisationId }))
  }
  for (const { organisationId } of organisations) {
    for (const resource of resources) {
      yield* await itemReads(slice, resource, organisationId)
    }
  }
}

function rateReads(organisation: ActiveOrganisation): readonly NamedRead[] {
  return routes.flatMap((route) => {
    if (!('warm' in route) || !route.warm) {
      return []
    }
    const query = new URLSearchParams(route.warm(organisation))
    const { organisationId } = organisation
    return [{ url: `${addressOf(route)}?${query.toString()}`, organisationId }]
  })
}

/** One statement finds which they are. */
async function itemReads(
  { reader, db, cursorKeys }: ApiSlice,
  resource: Resource,
  organisationId: string,
): Promise<readonly NamedRead[]> {
  const { warm, name } = resource
  if (warm.items === undefined) {
    return []
  }
  const listing = { resource, scope: resource.visibility === 'public' ? {} : { organisationId } }
  const query = parseListQuery(listing, `limit=${warm.items}`, cursorKeys)
  const { ids } = await reader.page(listing, query).run(db)
  return ids.slice(0, warm.items).map((id) => ({
    url: `/api/v2/${name}/${encodeURIComponent(id)}`,
    organisationId,
  }))
}
